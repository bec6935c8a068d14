"""A send's numbers by hour, reader, country and domain (of text messages by destination), added up chunk by chunk.
Pure.

Each recipient counts once in each column: the sums over hours, readers or countries are the numbers themselves. Who
was counted but left no mark (an event that came without what it takes) is `unknown`, and in no hour.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from drumbeat.activity import devices
from drumbeat.sends import destinations, domains, marks
from drumbeat.sends.model import Outcome

# Columns, in the order in which they are stored: names are said once, not for every hour.
HOURLY = ("sent", "delivered", "opened", "clicked", "unsubscribed", "opened_machine", "clicked_machine")
SEEN = ("opened", "clicked")
BY_DOMAIN = ("sent", "delivered", "bounced", "opened", "clicked", "complained")
# Later than this many hours after the launch, hours are added up to days: openings trickle in for months.
FINE_HOURS, DAY = 14 * 24, 24
# Domains beyond these, by mails sent, are `other`.
MOST_DOMAINS = 50
OTHER = "other"
Sets = Mapping[str, frozenset[int]]
_NONE: frozenset[int] = frozenset()
_UNSEEN = devices.code(devices.UNKNOWN)


class Breakdown:
    """Adds up; `launched` is the hour of the launch, from which later hours are grouped. `prices` are
    those of text messages (drumbeat.sends.destinations)."""

    def __init__(self, launched: int, *, prices: destinations.Agreed | None = None) -> None:
        self._launched, self._prices = launched, prices
        self._columns = (BY_DOMAIN if prices is None else destinations.COUNTED)[1:]
        self._hours: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._readers: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._countries: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._domains: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._held: dict[str, list[str | None]] = {}

    def chunk(self, key: str, outcomes: str, hours: Mapping[str, int] | None, text: str | None) -> None:
        """A chunk: when its mails were accepted, and what its recipients' domains are."""
        for hour, sent in (hours or {}).items():
            self._hours["sent"][int(hour)] += sent
        held = self._held[key] = domains.read(text, len(outcomes))
        accepted = (number for number, letter in enumerate(outcomes) if letter == Outcome.ACCEPTED)
        self._domains["sent"].update(_name(held, number) for number in accepted)

    def stat(self, key: str, net: Sets, marked: Sets) -> None:
        """What came back of a chunk's mails: recipients' sets, and the sets of marks."""
        for name, letter in (("opened", "O"), ("clicked", "C")):
            self._seen(name, net.get(name, _NONE), marks.firsts(marked.get(letter, ())))
        for name, letter in (("opened_machine", "OM"), ("clicked_machine", "CM"), ("unsubscribed", "U")):
            self._timed(name, net.get(name, _NONE), marks.first_hours(marked.get(letter, ())))
        self._timed("delivered", net.get("delivered", _NONE), marks.delivered_hours(marked))
        held = self._held.pop(key, [])
        for name in self._columns:
            self._domains[name].update(_name(held, number) for number in net.get(name, _NONE))

    def _seen(self, name: str, members: frozenset[int], first: Mapping[int, marks.Mark]) -> None:
        found = [first.get(number) for number in members]
        self._hours[name].update(mark.hour for mark in found if mark)
        self._readers[name].update(mark.reader if mark else _UNSEEN for mark in found)
        self._countries[name].update(mark.country if mark else marks.UNKNOWN for mark in found)

    def _timed(self, name: str, members: frozenset[int], hours: Mapping[int, int]) -> None:
        self._hours[name].update(hours[number] for number in members if number in hours)

    def numbers(self) -> dict[str, Any]:
        """As it is stored: by key the columns in their order, without the zeros at the end."""
        return {
            "launched_hour": self._launched,
            "hours": _rows(HOURLY, {name: self._grouped(hours) for name, hours in self._hours.items()}),
            "readers": _rows(SEEN, self._readers),
            "countries": _rows(SEEN, self._countries),
            **self._addressed(),
        }

    def _addressed(self) -> dict[str, Any]:
        if self._prices is None:
            return {"domains": _rows(BY_DOMAIN, self._largest())}
        return {"destinations": _rows(destinations.COLUMNS, destinations.added(self._domains, self._prices))}

    def paid(self) -> dict[str, int]:
        """Of text messages: their parts, and what they cost at the launch's prices, in minor units."""
        if self._prices is None:
            return {}
        columns = destinations.added({"sent": self._domains["sent"]}, self._prices)
        cost = destinations.minor(columns["cost"].total(), self._prices.currency)
        return {"parts": columns["parts"].total(), "texts_cost": cost}

    def _grouped(self, hours: Counter[int]) -> Counter[int]:
        grouped: Counter[int] = Counter()
        for hour, number in hours.items():
            late = hour - self._launched - FINE_HOURS
            grouped[hour if late < 0 else hour - late % DAY] += number
        return grouped

    def _largest(self) -> dict[str, Counter[str]]:
        ranked = sorted(self._domains["sent"].items(), key=lambda one: (-one[1], one[0]))
        kept = {name for name, _ in ranked[:MOST_DOMAINS]}
        found: dict[str, Counter[str]] = {}
        for column, counts in self._domains.items():
            found[column] = Counter()
            for name, number in counts.items():
                found[column][name if name in kept or name == marks.UNKNOWN else OTHER] += number
        return found


def _name(held: Sequence[str | None], number: int) -> str:
    return (held[number] if number < len(held) else None) or marks.UNKNOWN


def _rows(columns: Sequence[str], counts: Mapping[str, Counter[Any]]) -> dict[str, list[int]]:
    keys: Iterable[Any] = sorted({key for name in columns for key, number in counts.get(name, {}).items() if number})
    found = {}
    for key in keys:
        row = [counts[name][key] if name in counts else 0 for name in columns]
        while row and not row[-1]:
            row.pop()
        found[str(key)] = row
    return found


def row(columns: Sequence[str], stored: Sequence[int]) -> dict[str, int]:
    """A stored row by the columns' names."""
    return {name: stored[place] if place < len(stored) else 0 for place, name in enumerate(columns)}
