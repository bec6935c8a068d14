"""Carrier pigeons: a channel in one module, with its one provider. Nothing else knows of it."""

from drumbeat.channels import Account, Addressed, Call, Capacity, Channel
from drumbeat.channels.outcomes import CallResult, CallState, Entry, Fate
from pydantic import BaseModel

MOST_RECIPIENTS = 3
CREDENTIALS: tuple[str, ...] = ()
CALLS: tuple[str, ...] = ()
ask = None

# What arrived: (loft, note), and the states in which the next flights end.
arrived: list[tuple[str, str]] = []
weather: list[CallState] = []


class Config(BaseModel):
    """Nothing: the deployment has pigeons."""


CONFIG = Config


def address(person: Addressed) -> str | None:
    return (person.attributes or {}).get("loft")


CHANNEL = Channel("pigeon", parts=("text",), address_name="loft", address=address, consent=None, usual="pigeon")


def capacity(account: Account) -> Capacity:
    return Capacity(1_000.0)


def fitting(call: Call) -> int:
    return min(MOST_RECIPIENTS, len(call.messages))


def send(call: Call) -> CallResult:
    state = weather.pop(0) if weather else CallState.ANSWERED
    if state != CallState.ANSWERED:
        return CallResult(state, reason="storm")
    arrived.extend((message.to, call.whole(message).text) for message in call.messages)
    return CallResult(state, [Entry(Fate.ACCEPTED, message_id=f"ring-{message.to}") for message in call.messages])
