"""A send's breakdown as answers show it: ready to be drawn, largest first. Pure."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from drumbeat.activity import devices
from drumbeat.channels.sms.prices import MILLIONTHS
from drumbeat.fields import View
from drumbeat.sends import breakdown, marks
from drumbeat.sends import destinations as places

# From the launch on so many hours are shown even when nothing happened in them; later ones only when something did.
DENSE_HOURS = 48


class HourResult(View):
    """What happened in the hour from `at`, which has the offset of the account's time zone. Hours are those of UTC: in
    a zone that is half an hour off they begin at half past. From two weeks after the launch a row is of 24 `hours`.
    Each recipient counts in the first hour only."""

    at: str
    hours: int
    sent: int
    delivered: int
    opened: int
    clicked: int
    unsubscribed: int
    opened_by_machines: int
    clicked_by_machines: int


class DomainResult(View):
    """Recipients by the domain of their address: the fifty with most mails, `other` for the rest."""

    domain: str
    sent: int
    delivered: int
    bounced: int
    opened: int
    clicked: int
    complained: int
    delivery_rate: float
    open_rate: float
    click_rate: float


class DeviceResult(View):
    """People by the device, system or client of their first open and first click; `unknown` where the user agent does
    not tell, as behind Gmail's image proxy."""

    name: str
    opened: int
    clicked: int


class CountryResult(View):
    """People by the country (ISO 3166) of their first open and first click; `unknown` where nobody says."""

    country: str
    opened: int
    clicked: int


class DestinationResult(View):
    """Text messages to the numbers of a carrier (`unknown` where a number does not tell it). `cost` is that of their
    `parts` at the launch's prices, in the tenant's currency; `price_per_part` is their average."""

    country: str
    carrier: str
    sent: int
    delivered: int
    undelivered: int
    clicked: int
    unsubscribed: int
    replied: int
    parts: int
    price_per_part: float
    cost: float
    delivery_rate: float
    click_rate: float


def ratio(part: int, whole: int) -> float:
    """A fraction with four decimals; of nothing it is 0."""
    return round(part / whole, 4) if whole else 0.0


def timeline(details: Mapping[str, Any], zone: str, until: datetime) -> list[HourResult]:
    """The hours from the launch to `until`, oldest first."""
    found: dict[int, dict[str, int]] = {
        int(hour): breakdown.row(breakdown.HOURLY, stored) for hour, stored in details.get("hours", {}).items()
    }
    launched = details.get("launched_hour")
    if launched is not None:
        last = min(launched + DENSE_HOURS - 1, marks.hour_of(until))
        for hour in range(launched, last + 1):
            found.setdefault(hour, breakdown.row(breakdown.HOURLY, ()))
    return [_hour(hour, row, launched or 0, ZoneInfo(zone)) for hour, row in sorted(found.items())]


def _hour(hour: int, row: Mapping[str, int], launched: int, zone: ZoneInfo) -> HourResult:
    shown = {name: row[name] for name in ("sent", "delivered", "opened", "clicked", "unsubscribed")}
    return HourResult(
        at=marks.start_of(hour).astimezone(zone).isoformat(timespec="minutes"),
        hours=breakdown.DAY if hour >= launched + breakdown.FINE_HOURS else 1,
        opened_by_machines=row["opened_machine"],
        clicked_by_machines=row["clicked_machine"],
        **shown,
    )


def domains(details: Mapping[str, Any]) -> list[DomainResult]:
    """By mails sent; `other` and `unknown` last."""
    shown = []
    for name, stored in details.get("domains", {}).items():
        row = breakdown.row(breakdown.BY_DOMAIN, stored)
        shown.append(
            DomainResult(
                domain=name, delivery_rate=ratio(row["delivered"], row["sent"]),
                open_rate=ratio(row["opened"], row["delivered"]), click_rate=ratio(row["clicked"], row["delivered"]),
                **row,
            )
        )  # fmt: skip
    rest = (breakdown.OTHER, marks.UNKNOWN)
    return sorted(shown, key=lambda one: (one.domain in rest, -one.sent, one.domain))


def destinations(details: Mapping[str, Any]) -> list[DestinationResult]:
    """By text messages sent."""
    shown = []
    for key, stored in details.get("destinations", {}).items():
        row, (country, carrier) = breakdown.row(places.COLUMNS, stored), places.destination(key)
        cost = row.pop("cost") / MILLIONTHS
        shown.append(
            DestinationResult(
                country=country, carrier=carrier, cost=round(cost, 4),
                price_per_part=round(cost / row["parts"], 6) if row["parts"] else 0.0,
                delivery_rate=ratio(row["delivered"], row["sent"]), click_rate=ratio(row["clicked"], row["delivered"]),
                **row,
            )
        )  # fmt: skip
    return sorted(shown, key=lambda one: (-one.sent, one.country, one.carrier))


def countries(details: Mapping[str, Any]) -> list[CountryResult]:
    """By people who opened; `unknown` last."""
    rows = {name: breakdown.row(breakdown.SEEN, stored) for name, stored in details.get("countries", {}).items()}
    return [CountryResult(country=name, **row) for name, row in _ranked(rows)]


def readers(details: Mapping[str, Any], of: Callable[[devices.Reader], str]) -> list[DeviceResult]:
    """By one part of the reader: device, system or client."""
    rows: defaultdict[str, dict[str, int]] = defaultdict(lambda: breakdown.row(breakdown.SEEN, ()))
    for code, stored in details.get("readers", {}).items():
        row = rows[of(devices.decoded(int(code)))]
        for name, number in breakdown.row(breakdown.SEEN, stored).items():
            row[name] += number
    return [DeviceResult(name=name, **row) for name, row in _ranked(rows)]


def _ranked(rows: Mapping[str, dict[str, int]]) -> list[tuple[str, dict[str, int]]]:
    return sorted(
        rows.items(), key=lambda one: (one[0] == marks.UNKNOWN, -one[1]["opened"], -one[1]["clicked"], one[0])
    )
