"""What came back about one message, with what is known of it: the sets it goes into, and the row that tells of it."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from drumbeat import channels
from drumbeat.activity import frames
from drumbeat.activity.model import MessageKind, Timeline, message_row
from drumbeat.feedback.facts import Fact
from drumbeat.feedback.known import Known, Person
from drumbeat.sends import marks
from drumbeat.sends.model import Place

_ROWS: dict[str, MessageKind] = {
    "delivered": "delivered", "deferred": "deferred", "bounced": "bounced", "soft_bounced": "bounced",
    "complained": "complained", "failed": "rejected", "opened": "opened", "clicked": "clicked",
    "unsubscribed": "unsubscribed",
}  # fmt: skip
# What the documents know as events; the others stay on the timeline.
_PUBLISHED = frozenset({"delivered", "bounced", "complained", "opened", "clicked", "unsubscribed"})
# Support must hear of it (integration-guide.md), also for a tenant that wants no event for every message.
_ALWAYS = frozenset({"complained", "unsubscribed"})


@dataclass(frozen=True, slots=True)
class Item:
    """A fact with what is known of its message. `person` is None when the contact was deleted."""

    fact: Fact
    send: Known
    place: Place
    contact: str
    person: Person | None = None
    machine: bool = False

    @property
    def message(self) -> str:
        return self.place.message(self.fact.number)

    @property
    def address(self) -> str | None:
        """Where the message went: as the provider says, else as the contact has it now."""
        held = channels.get(self.send.channel).address(self.person) if self.person else None
        return self.fact.address or held

    @property
    def sets(self) -> list[tuple[str, int]]:
        """The sets of the stat item that this recipient's number goes into, and the mark of when and on what."""
        fact = self.fact
        kind = f"{fact.kind}_machine" if self.machine else fact.kind
        found = [(kind, fact.number)]
        if kind == "clicked" and fact.link is not None:
            found.append((f"l{fact.link}", fact.number))
        if kind in ("opened", "clicked"):
            found.append(marks.seen(kind, fact.number, fact.at, fact.user_agent, fact.country))
        elif marks.timed(kind):
            found.append(marks.brief(kind, fact.number, fact.at))
        return found

    def row(self, asked: Container[str], waited: Container[str] = ()) -> Timeline | None:
        """The timeline row; None where there is nothing to tell, or nobody to tell it of. `asked` are the events that
        segments look at, `waited` those that somebody waits for."""
        fact, kind = self.fact, _ROWS.get(self.fact.kind)
        if kind is None or self.person is None:
            return None
        channel, address = channels.get(self.send.channel), self.address
        if fact.kind == "failed" and channel.name != "email":
            kind = "failed"  # it was taken, and did not arrive; a mail that fails was not taken
        known_as = frames.message(channel, self.send.campaign, self.person.customer_id, address or "", self.message)
        wanted = self.send.publish or fact.kind in _ALWAYS
        publish = wanted and (fact.kind in _PUBLISHED or kind == "failed") and not self.machine and bool(address)
        return message_row(
            self.send.tenant, self.contact, kind, fact.at, fact.send, self.send.campaign, self.message,
            self._data(known_as), publish, machine=self.machine, channel=channel.name, asked=asked,
            waited=waited,
        )  # fmt: skip

    def _data(self, known_as: dict[str, Any]) -> dict[str, Any]:
        fact = self.fact
        where = {"location": {"country": fact.country, "city": fact.city}}
        match fact.kind:
            case "opened":
                return frames.opened(known_as, fact.ip, fact.user_agent, {}) | where
            case "clicked":
                return frames.clicked(known_as, fact.ip, fact.user_agent, {}, fact.url) | where
            case "bounced" | "soft_bounced":
                return frames.bounced(known_as, "hard" if fact.kind == "bounced" else "soft", fact.reason)
            case "deferred" | "failed":
                return {**known_as, "reason": fact.reason}
        return known_as
