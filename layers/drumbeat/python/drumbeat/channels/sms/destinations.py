"""Where a text message goes: the country of a number, and the carrier that its prefix belongs to. Pure.

A number may have been taken along to another carrier since (Bangladesh allows it since October 2018): what a prefix
says is what prices and reports go by, as carriers' own rate tables do.
"""

import functools
from typing import NamedTuple

UNKNOWN = "unknown"
# Bangladesh's mobile prefixes behind +880: National Numbering Plan of the Bangladesh Telecommunication Regulatory
# Commission (ITU-T E.129 presentation of +880). Airtel has been a brand of Robi since their merger of 2016.
BANGLADESH = {
    "17": "Grameenphone", "13": "Grameenphone", "19": "Banglalink", "14": "Banglalink", "18": "Robi", "16": "Robi",
    "15": "Teletalk",
}  # fmt: skip


class Destination(NamedTuple):
    """A country (ISO 3166 alpha-2) and a carrier's name; `unknown` where the number does not tell."""

    country: str
    carrier: str


@functools.lru_cache(maxsize=4096)
def of(phone: str) -> Destination:
    """The destination of a number in E.164."""
    if phone.startswith("+8801"):
        return Destination("BD", BANGLADESH.get(phone[4:6], UNKNOWN))
    # Half a second of one processor's imports, for those who write to other countries.
    import phonenumbers
    from phonenumbers import carrier

    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return Destination(UNKNOWN, UNKNOWN)
    country = phonenumbers.region_code_for_number(number)
    return Destination(country or UNKNOWN, carrier.name_for_number(number, "en") or UNKNOWN)
