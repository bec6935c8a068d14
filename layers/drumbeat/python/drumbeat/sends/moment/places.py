"""Where somebody is, as far as clocks and laws go: what is not known is not guessed, but taken at its strictest."""

import functools
from typing import Any, NamedTuple, Protocol

from drumbeat.sends import local_time
from drumbeat.sends.moment import packs

_NANP = "+1"
# What phonenumbers gives for numbers that are nowhere, such as satellite telephones'.
_NOWHERE = "Etc/Unknown"


class Whoever(Protocol):
    """A contact, as far as places go."""

    phone: Any
    time_zone: Any
    country: Any


class Place(NamedTuple):
    """Every zone that somebody may be in, every country whose rules may bind, and the state of the US if known."""

    zones: tuple[str, ...]
    countries: tuple[str, ...]
    state: str | None = None


class Dialled(NamedTuple):
    """What a telephone number says of its owner."""

    country: str | None
    zones: tuple[str, ...]


def of(person: Whoever, zone: str, country: str | None) -> Place:
    """The zones: the one that is on record; else all that the telephone number may be in; else all of the country on
    record; else the tenant's `zone`. The countries: the number's and the one on record, else the tenant's `country`."""
    dialled = _dialled(person.phone) if person.phone else Dialled(None, ())
    if person.time_zone:
        zones: tuple[str, ...] = (person.time_zone,)
    else:
        zones = dialled.zones or local_time.zones_of(person.country) or (zone,)
    known = tuple(dict.fromkeys(one for one in (dialled.country, person.country) if one))
    return Place(zones, known or ((country,) if country else ()), _state(person.phone))


def _state(phone: str | None) -> str | None:
    if not phone or not phone.startswith(_NANP):
        return None
    return packs.AREA_CODES.get(phone[len(_NANP) : len(_NANP) + 3])


@functools.lru_cache(maxsize=4096)
def _dialled(phone: str) -> Dialled:
    import phonenumbers  # its metadata is heavy: only messages that look at hours pay for it
    from phonenumbers import timezone

    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return Dialled(None, ())
    country = phonenumbers.region_code_for_number(number)
    if country is None:  # nobody has it yet, as far as is known: its country code says something all the same
        country = phonenumbers.region_code_for_country_code(number.country_code or 0)
    if not country.isalpha() or country == phonenumbers.UNKNOWN_REGION:
        return Dialled(None, ())
    zones = _narrowed(timezone.time_zones_for_number(number), country)
    return Dialled(country, zones or local_time.zones_of(country))


def _narrowed(zones: tuple[str, ...], country: str) -> tuple[str, ...]:
    """Without those that are known to be of other countries: a number without a place of its own (+1 800 …) is listed
    in all that share its code. Old names of zones are in no country's list, and stay."""
    others = local_time.listed().difference(local_time.zones_of(country))
    return tuple(zone for zone in zones if zone != _NOWHERE and zone not in others)
