"""Formats of items: during an upgrade, workers of two releases are at the same items for some minutes.

A release may add attributes at any time: an older one reads and changes items without noticing, because a change names
the attributes that it sets. Only where an older release must not act on an item (an attribute means something else, a
state was added that it would mistake) does an entity's `FORMAT` go up by one:

- An item stores its format in `fmt` when it is above 1: whole items by themselves, and a change that makes an older
  item one that the older release must not touch with `Entity.mark()` among its actions.
- Whoever meets an item of a higher format than its own raises NewerFormat. Edges give that work back to come again
  when the upgrade is over: a queue's message in a quarter of an hour, a machine's round in a minute, a run by the
  clock with the next one, a request with 503 and `Retry-After`. An event and a change of the table fail as they would
  of anything: they are tried three and nine times, and then lie where `make replay` finds them.
- `UPGRADES[n]` makes an item of format n one of n + 1 while it is read. It is given the raw item and gives a new one,
  whose `fmt` it need not set. It fills in what is missing and leaves alone what is there: a stored item keeps its
  format until something writes it whole or marks it, and may have been changed by the newer release since.

A format that older items get in great numbers is best read one release before it is written: then nobody waits.
"""

from collections.abc import Callable, Mapping
from typing import Any

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]

ATTRIBUTE = "fmt"
FIRST = 1


class NewerFormat(Exception):
    """An item was written by a later release than this one. Nothing was done; it can be done again later."""

    def __init__(self, entity: str, found: int, known: int) -> None:
        super().__init__(f"{entity} of format {found}; this release knows {known}")


def understood(item: dict[str, Any], entity: str, known: int, upgrades: Mapping[int, Upgrade]) -> dict[str, Any]:
    """The raw item in the format `known`. Raises NewerFormat."""
    found = int(item[ATTRIBUTE]["N"]) if ATTRIBUTE in item else FIRST
    if found > known:
        raise NewerFormat(entity, found, known)
    for number in range(found, known):
        item = upgrades[number](dict(item))
    return item
