"""What must be looked up to apply a fact: its send, its recipient. An instance keeps what never changes."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from drumbeat import table
from drumbeat.accounts import settings
from drumbeat.contacts.model import Contact
from drumbeat.sends.model import Chunk, Place, Send, SendKey

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """The values that were used last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)

    def clear(self) -> None:
        self._values.clear()


class Known(NamedTuple):
    """A send: whose it is, over which channel it goes, whether its message events go on the bus, how many links its
    messages have, how old it is."""

    tenant: str
    campaign: str
    publish: bool
    links: int
    launched_at: datetime | None
    channel: str = "email"

    @property
    def zone(self) -> str:
        """The tenant's time zone, at most a minute old: a day of a roll-up is one there."""
        return settings.of(self.tenant).time_zone


class Person(NamedTuple):
    """How a recipient is called in events: by external id where there is one (integration-guide.md, Event Schemas); and
    where it is reached."""

    customer_id: str
    contact_id: str
    email: str | None
    phone: str | None = None
    push_token: str | None = None
    attributes: Mapping[str, Any] = {}


_sends: Kept[str, Known] = Kept(200)
_recipients: Kept[Place, tuple[str, ...]] = Kept(500)


def send(send_id: str, tenant: str | None = None) -> Known | None:
    """None for a send that never was here, or is none of this tenant's, if one is named."""
    kept = _sends.get(send_id)
    if kept is None:
        key = SendKey.fetch(*SendKey.key(send_id), consistent=False)
        if key is None or tenant not in (None, key.tenant):
            return None
        row = Send.fetch(*Send.key(key.tenant, send_id), consistent=False)
        kept = Known(
            key.tenant,
            key.campaign,
            row is None or bool(row.publish),
            len(key.links or ()),
            row.launched_at if row else None,
            row.channel if row else "email",
        )
        _sends.put(send_id, kept)
    return kept if tenant in (None, kept.tenant) else None


def recipients(places: Iterable[Place]) -> dict[Place, tuple[str, ...]]:
    """The contact ids of chunks, in their order; a chunk that does not exist is left out."""
    wanted = list(dict.fromkeys(places))
    unread = [place.chunk_key for place in wanted if _recipients.get(place) is None]
    for chunk in Chunk.many(unread, consistent=False):
        _recipients.put(chunk.place, tuple(chunk.contacts))
    found = {place: _recipients.get(place) for place in wanted}
    return {place: contacts for place, contacts in found.items() if contacts is not None}


def people(wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Person]:
    """Those (tenant, contact id) that still exist."""
    keys = list(dict.fromkeys(Contact.key(*who) for who in wanted))
    found = {}
    for item in table.raw_many(keys, consistent=False):
        tenant, contact_id = item["tenant"]["S"], item["contact_id"]["S"]
        named = item.get("external_id", {}).get("S") or contact_id
        reached = {name: item.get(name, {}).get("S") for name in ("email", "phone", "push_token")}
        found[tenant, contact_id] = Person(named, contact_id, **reached)
    return found


def forget() -> None:
    _sends.clear()
    _recipients.clear()
