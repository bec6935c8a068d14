"""What results keep of a text message, and its sums by destination: country, carrier, parts, and what they cost. Pure.

A chunk has it where mails have a domain (drumbeat.sends.domains): `BD|Grameenphone|2`, and behind it the account that
carried it, where that has prices of its own. How many parts a message had is not known (0) where the worker that sent
it died before it could say; it had one at least, which is what it counts for.

`Send.launch["prices"]` has what was agreed at the launch, so that later changes leave what it cost as it was:
{"currency", "sms": the tenant's prices, "routes": [{"account", "prices"}], "preferred": an account or null}.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from drumbeat import money
from drumbeat.channels.sms import destinations, prices
from drumbeat.channels.sms.destinations import UNKNOWN, Destination
from drumbeat.channels.sms.prices import MILLIONTHS, Route, SmsPrice

# What is counted; then, as they are stored, the parts of accepted messages and their cost in millionths.
COUNTED = ("sent", "delivered", "undelivered", "clicked", "unsubscribed", "replied")
COLUMNS = (*COUNTED, "parts", "cost")
_NOBODY_KNOWS = "0"


class Kept(NamedTuple):
    """What is kept of a message; `account` only where it has prices of its own."""

    destination: Destination
    parts: int
    account: str | None

    @property
    def text(self) -> str:
        named = [self.account] if self.account else []
        return "|".join([*self.destination, str(self.parts or _NOBODY_KNOWS), *named])


class Agreed:
    """The prices and routes of a launch."""

    def __init__(self, said: Mapping[str, Any] | None) -> None:
        held = said or {}
        self.currency: str = held.get("currency", "USD")
        self.preferred: str | None = held.get("preferred")
        self.tenants = prices.read(held.get("sms", ()))
        self.routes = tuple(Route(one["account"], prices.read(one["prices"])) for one in held.get("routes", ()))

    def route(self, phone: str) -> Route:
        """The route of a message to a number."""
        if len(self.routes) == 1:
            return self.routes[0]
        return prices.cheapest(self.routes, self.tenants, destinations.of(phone), self.preferred)

    def kept(self, phone: str, parts: int | None, account: str) -> str:
        """What is kept of a message to a number that leaves, or left, over an account."""
        own = any(route.account == account and route.prices for route in self.routes)
        return Kept(destinations.of(phone), parts or 0, account if own else None).text

    def each(self, message: Kept) -> Decimal:
        """The price of a part of a message."""
        own = next((route for route in self.routes if route.account == message.account), Route(""))
        return prices.each(own, self.tenants, message.destination) or Decimal(0)


_latest: tuple[Mapping[str, Any] | None, Agreed] | None = None


def of_launch(launch: Mapping[str, Any] | None) -> Agreed:
    """What a send's launch keeps. Each of its recipients asks for it, and reading a few hundred prices takes
    milliseconds: that of the latest send is kept."""
    global _latest
    if _latest is None or _latest[0] is not launch:
        _latest = launch, Agreed((launch or {}).get("prices"))
    return _latest[1]


def agreed(
    tenants: Sequence[SmsPrice], currency: str, routes: Sequence[Route] = (), preferred: str | None = None
) -> dict[str, Any]:
    """What a launch keeps."""
    listed = [{"account": route.account, "prices": prices.written(route.prices)} for route in routes]
    return {"currency": currency, "sms": prices.written(tenants), "routes": listed, "preferred": preferred}


def added(columns: Mapping[str, Counter[str]], terms: Agreed) -> dict[str, Counter[str]]:
    """Counts by what was kept, added up by `country|carrier`, with parts and their cost."""
    found: dict[str, Counter[str]] = {column: Counter() for column in COLUMNS}
    for column, counts in columns.items():
        for text, number in counts.items():
            message = read(text)
            where = "|".join(message.destination)
            found[column][where] += number
            if column == "sent":
                found["parts"][where] += number * message.parts
                found["cost"][where] += number * message.parts * int(terms.each(message) * MILLIONTHS)
    return found


def read(kept: str) -> Kept:
    """What was kept of a message; of one of which nothing was, that it had a part."""
    match kept.split("|"):
        case [country, carrier, parts, *account] if parts.isdigit():
            return Kept(Destination(country, carrier), max(1, int(parts)), account[0] if account else None)
    return Kept(Destination(UNKNOWN, UNKNOWN), 1, None)


def destination(key: str) -> Destination:
    """Of a key of `added`."""
    country, _, carrier = key.partition("|")
    return Destination(country, carrier)


def minor(cost: int, currency: str) -> int:
    """A sum of costs in minor units; it is rounded here, once."""
    whole = (Decimal(cost) / MILLIONTHS).scaleb(money.exponent(currency))
    return int(whole.quantize(Decimal(1), rounding=ROUND_HALF_UP))
