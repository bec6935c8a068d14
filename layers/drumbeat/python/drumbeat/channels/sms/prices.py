"""What a part of a text message costs, by country and carrier, as a tenant says it of all its accounts or of one. Pure.

The account that carries a message is the cheapest of those that serve its number (`cheapest`).
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field

from drumbeat.channels.sms.destinations import Destination
from drumbeat.fields import Body, Country, Name

MOST = 500
MILLIONTHS = 1_000_000


class SmsPrice(Body):
    """`price` is for a part, in the tenant's currency, to the millionth. Without `carrier` it is that of the country's
    other carriers, without `country` that of all others."""

    country: Country | None = None
    carrier: Name | None = None
    price: Annotated[float, Field(ge=0, le=1000), AfterValidator(lambda price: round(price, 6))]


def _each_once(prices: tuple[SmsPrice, ...]) -> tuple[SmsPrice, ...]:
    if any(one.carrier and not one.country for one in prices):
        raise ValueError("a carrier's price needs its country, such as BD")
    if len({(one.country, _folded(one.carrier)) for one in prices}) < len(prices):
        raise ValueError("has two prices for the same destination; keep one")
    return prices


SmsPrices = Annotated[tuple[SmsPrice, ...], Field(max_length=MOST), AfterValidator(_each_once)]


class Route(NamedTuple):
    """An account that may carry messages. With prices of its own it serves the destinations in them, without it serves
    all at the tenant's prices."""

    account: str
    prices: tuple[SmsPrice, ...] = ()


def of(prices: Iterable[SmsPrice], destination: Destination) -> Decimal | None:
    """The price of a part: the carrier's, else the country's, else that of everything else; None where there is
    none."""
    known = {(one.country, _folded(one.carrier)): one.price for one in prices}
    named = (
        (destination.country, _folded(destination.carrier)),
        (destination.country, None),
        (None, None),
    )
    found = next((known[key] for key in named if key in known), None)
    return None if found is None else Decimal(str(found))


def each(route: Route, tenants: Iterable[SmsPrice], destination: Destination) -> Decimal | None:
    """What a part costs over a route, 0 where nobody has said; None where it does not serve the destination."""
    if route.prices:
        return of(route.prices, destination)
    return of(tenants, destination) or Decimal(0)


def cheapest(
    routes: Sequence[Route], tenants: Iterable[SmsPrice], destination: Destination, preferred: str | None = None
) -> Route:
    """The route of a message: the preferred account if it serves the destination, else the cheapest that does, of equal
    ones the first; the first where none does. There is one route at least."""
    listed = tuple(tenants)
    prices = {route: price for route in routes if (price := each(route, listed, destination)) is not None}
    chosen = next((route for route in prices if route.account == preferred), None)
    return chosen or min(prices, key=prices.__getitem__, default=routes[0])


def read(said: Iterable[Mapping[str, object]]) -> tuple[SmsPrice, ...]:
    """Prices as they are stored."""
    return tuple(SmsPrice.model_validate(one) for one in said)


def written(prices: Iterable[SmsPrice]) -> list[dict[str, object]]:
    return [price.model_dump(exclude_none=True) for price in prices]


def _folded(carrier: str | None) -> str | None:
    return None if carrier is None else carrier.casefold()
