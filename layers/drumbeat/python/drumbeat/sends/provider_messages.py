"""Messages by the ids that providers give them: for reports that say nothing else.

pk                                        sk                 ttl
PROVIDERMESSAGE#<tenant>#<provider's id>  PROVIDERMESSAGE    forty days: reports come within three

A report has no time of its own where providers send none; it has that of its first arrival, however often it comes.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from drumbeat import clock
from drumbeat.sends.model import Place
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, NumberAttribute, UnicodeAttribute

KEPT = timedelta(days=40)


class ProviderMessage(Entity):
    """What a provider's id stands for: our `message`, and when (business time) it was first reported `delivered` or
    `failed`. A report may come before the message is noted."""

    TYPE = "PROVIDERMESSAGE"

    message = UnicodeAttribute(null=True)
    delivered_at = InstantAttribute(null=True)
    failed_at = InstantAttribute(null=True)
    ttl = NumberAttribute(null=True)

    @staticmethod
    def key(tenant: str, provider_id: str) -> tuple[str, str]:
        return f"PROVIDERMESSAGE#{tenant}#{provider_id}", "PROVIDERMESSAGE"


_TIMES = {"delivered": ProviderMessage.delivered_at, "failed": ProviderMessage.failed_at}


def note(place: Place, ids: Mapping[int, str]) -> None:
    """Write down the provider's ids of a chunk's messages, by recipient number."""
    tenant, *_ = place
    for number, provider_id in ids.items():
        if provider_id:
            _change(tenant, provider_id, ProviderMessage.message.set(place.message(number)))


def take(place: Place, number: int, provider_id: str) -> bool:
    """Whether a provider's id may be that of this message: from now on it is no other's."""
    tenant, *_ = place
    cls, message = ProviderMessage, place.message(number)
    try:
        _change(tenant, provider_id, cls.message.set(message), cls.message.does_not_exist() | (cls.message == message))
    except ConditionFailed:
        return False
    return True


def first_time(tenant: str, provider_id: str, kind: str, at: datetime) -> datetime:
    """When a message was first reported to be `delivered` or `failed`: `at`, or an earlier time."""
    when = _TIMES[kind]
    row = _change(tenant, provider_id, when.set(when | at))
    return getattr(row, f"{kind}_at") or at


def find(tenant: str, provider_id: str) -> str | None:
    """Our message of a provider's id; None for none of ours."""
    row = ProviderMessage.fetch(*ProviderMessage.key(tenant, provider_id))
    return row.message if row else None


def _change(tenant: str, provider_id: str, what: Action, condition: Condition | None = None) -> ProviderMessage:
    cls = ProviderMessage
    until = int((clock.wall() + KEPT).timestamp())
    key = cls.key(tenant, provider_id)
    return cls.from_raw_data(cls.change_at(*key, what, cls.ttl.set(until), condition=condition))
