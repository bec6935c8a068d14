"""Names that stand for ids: `high_value_customers`, `welcome_email_1` (DESIGN section 9, 11).

pk                              sk
SLUG#<tenant>#<kind>#<slug>     SLUG    claims a name of its kind for one object
"""

import re
import unicodedata

from drumbeat import ids
from drumbeat.errors import NotFound
from drumbeat.table import ConditionFailed, Entity, UnicodeAttribute


class Slug(Entity):
    TYPE = "SLUG"

    target = UnicodeAttribute()

    @staticmethod
    def key(tenant: str, kind: str, slug: str) -> tuple[str, str]:
        return f"SLUG#{tenant}#{kind}#{of(slug)}", "SLUG"


def of(name: str) -> str:
    """`High Value Customers` and `high-value-customers` are both `high_value_customers`; letters of any script stay."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\W_]+", "_", plain).strip("_")[:128]


def claim(tenant: str, kind: str, name: str, target: str) -> str | None:
    """Claim the name's slug for an object; None when it belongs to another one, which then goes without."""
    slug = of(name)
    if not slug:
        return None
    try:
        Slug(*Slug.key(tenant, kind, slug), target=target).create()
    except ConditionFailed as error:
        if (error.found or {}).get("target") != {"S": target}:
            return None
    return slug


def resolve(tenant: str, kind: str, prefix: str, reference: str, field: str = "id") -> str:
    """The id behind an id or a name. Raises NotFound for a name that nobody has."""
    if ids.is_id(reference, prefix):
        return reference
    row = Slug.fetch(*Slug.key(tenant, kind, reference))
    if row is None:
        raise NotFound(f"{field}: there is no {kind} {reference!r}. Use its id or its name in lower case.")
    return row.target


def release(tenant: str, kind: str, slug: str, target: str) -> None:
    """Give the name up, if it is this object's."""
    pk, sk = Slug.key(tenant, kind, slug)
    try:
        Slug._get_connection().delete_item(pk, sk, condition=Slug.target == target)
    except ConditionFailed:
        return
