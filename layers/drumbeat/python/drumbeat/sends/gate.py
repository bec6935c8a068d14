"""What a worker asks before it calls the provider: is the data at home, does the account take calls, and is what the
governor released still at the account's rate.

The two rows that know are read together, at most once in five seconds in an instance; what an instance itself was told
by the provider it knows at once. So when one worker is throttled, the others stop within five seconds, and once a
circuit is open each makes one more call that fails at most.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from drumbeat import clock, table
from drumbeat.channels.outcomes import OUTAGES, CallResult
from drumbeat.sends import circuit, environment, senders
from drumbeat.sends.environment import Environment
from drumbeat.sends.model import Send
from drumbeat.sends.senders import Sender

# Wall time for which an instance believes what it has read.
BELIEVED = timedelta(seconds=5)
# Without a `Retry-After` nothing is released for so long after a throttled call (wall time); SES counts by the second.
A_MOMENT = timedelta(seconds=2)
# Business time until a used-up daily quota is asked for again, if the account's own figures do not say so before.
QUOTA_WAIT = timedelta(minutes=15)
_seen: dict[str, tuple[datetime, Sender]] = {}


class Verdict(NamedTuple):
    """Whether a call may be made, as the circuit's `probe` if it has a name; if not, when to ask again (business time;
    None: when somebody has adopted the data)."""

    row: Sender
    may_call: bool = True
    again: datetime | None = None
    probe: str | None = None


def ask(account: str, released: datetime | None = None) -> Verdict:
    """`released` (wall time) is when the governor released what is to be sent. Whoever gets a probe must give it back,
    with `circuit.answered`, `failed` or `give_up_probe`. Reads Environment; writes Sender."""
    row, home = _look(account)
    if not home:
        return Verdict(row, False)
    now, wall = clock.business(), clock.wall()
    if row.held_until is not None and row.held_until > wall:
        return Verdict(row, False, clock.business_time_of(row.held_until))
    if row.slowed_at is not None and released is not None and released < row.slowed_at:
        return Verdict(row, False, now)  # at the rate of before: the governor releases it again at the present one
    if row.circuit is None:
        return Verdict(row)
    at = circuit.opens_at(row, now)
    if at is not None:
        return Verdict(row, False, at)
    probe = circuit.take_probe(row)
    return Verdict(row, True, probe=probe) if probe else Verdict(row, False, circuit.opens_at(row, now) or now)


def is_home(send: Send) -> bool:
    """Whether a send's chunks may be acted on: it was launched here, or adopted, and so was the data."""
    return send.environment in (None, environment.ours()) and _look(send.account)[1]


def _look(account: str) -> tuple[Sender, bool]:
    """The account's row, and whether the data is at home."""
    wall = clock.wall()
    held = _seen.get(account)
    if held is not None and held[0] > wall:
        return held[1], True
    keys = [Sender.key(account), Environment.key()]
    items = {item["pk"]["S"]: item for item in table.raw_many(keys)}
    told = items.get(keys[1][0])
    home = environment.noted(Environment.from_raw_data(told) if told else None)
    found = items.get(keys[0][0])
    # Confirmations may be sent before the first campaign is.
    row = Sender.from_raw_data(found) if found else senders.get(account)
    if home:
        _seen[account] = wall + BELIEVED, row
    return row, home


def heard(verdict: Verdict, result: CallResult | None) -> None:
    """What came of the call: what it says of the account is there for everyone. Without a result no call was made, or
    nobody knows: then the probe, if this was one, is somebody else's. Writes Sender."""
    row, account = verdict.row, verdict.row.account
    if result is None:
        if verdict.probe is not None:
            circuit.give_up_probe(row, verdict.probe)
        return
    if result.state in OUTAGES:
        circuit.failed(row, result.reason, verdict.probe)
    else:
        circuit.answered(row, verdict.probe)
    if result.throttled:
        senders.slow_down(account, result.reason, A_MOMENT if result.wait is None else result.wait)
    if result.quota:
        least = timedelta(seconds=clock.wall_seconds(QUOTA_WAIT))
        senders.hold(account, senders.DAILY_QUOTA, max(result.wait or least, least))
    if result.throttled or result.quota:
        _seen.pop(account, None)


def forget() -> None:
    _seen.clear()
