"""A send's numbers, added up: two rows, so that lists of campaigns read little.

pk                         sk         gsi1pk               gsi1sk
ROLLUPS#<tenant>#<send>    TOTALS     LAUNCHED#<tenant>    <launch>#<campaign>
ROLLUPS#<tenant>#<send>    DETAILS    -                    -       by hour, reader, country, domain and link
"""

from drumbeat.contacts.model import CompactJSON
from drumbeat.table import Entity, InstantAttribute, UnicodeAttribute


class Totals(Entity):
    """What is known of a send at `as_of`; it can be computed again from chunks and stats at any time. `name` is its
    campaign's."""

    TYPE = "ROLLUPS"
    INDEX_TYPES = {"gsi1": "LAUNCHED"}

    gsi1pk = UnicodeAttribute(null=True)
    gsi1sk = UnicodeAttribute(null=True)
    campaign = UnicodeAttribute(null=True)
    name = UnicodeAttribute(null=True)
    as_of = InstantAttribute()
    numbers = CompactJSON()

    @staticmethod
    def key(tenant: str, send_id: str) -> tuple[str, str]:
        return f"ROLLUPS#{tenant}#{send_id}", "TOTALS"

    @staticmethod
    def details_key(tenant: str, send_id: str) -> tuple[str, str]:
        return f"ROLLUPS#{tenant}#{send_id}", "DETAILS"

    @staticmethod
    def partition(tenant: str) -> str:
        return f"LAUNCHED#{tenant}"
