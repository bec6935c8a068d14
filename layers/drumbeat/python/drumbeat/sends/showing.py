"""Shows a send from what is stored of it: its row, the last roll-up (a new one where it is small), its account's row,
and the few chunks that are due next."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from drumbeat import clock
from drumbeat.errors import NotFound
from drumbeat.sends import circuit, environment, quotas, reputation, rollups, senders, states
from drumbeat.sends.audience import Audience
from drumbeat.sends.environment import Environment
from drumbeat.sends.model import ENDED, REASONS, Chunk, ChunkState, Outcome, Send, SendState
from drumbeat.sends.senders import Sender
from drumbeat.sends.totals import Totals
from drumbeat.sends.views import (
    AudienceView,
    ChunksView,
    CircuitView,
    EnvironmentView,
    GovernorView,
    HeldView,
    OpenChunkView,
    PlannerView,
    PolicyView,
    SendView,
    SettledView,
    StopView,
    SweeperView,
    UnknownView,
)

# A send of this size is added up while the caller waits; a larger one is as the last roll-up found it.
SMALL = 20_000
# Two seconds of the wall clock.
FRESH = timedelta(seconds=2 * clock.SCALE)


def shown(tenant: str, send_id: str, now: datetime) -> SendView:
    """Raises NotFound. Reads Send, Chunk, Stat, Sender, Environment, Quota, Identity; writes Totals."""
    send = Send.fetch(*Send.key(tenant, send_id))
    if send is None:
        raise NotFound("There is no such send. A campaign that was launched tells its send_id.")
    totals = _totals(send, now)
    account = Sender.fetch(*Sender.key(send.account)) or Sender(account=send.account)
    written = _environment(send)
    recovery = totals.numbers.get("recovery") or {}
    states_of = {state: int(number) for state, number in recovery.get("chunks", {}).items()}
    dues = {state: clock.parse(at) for state, at in recovery.get("due", {}).items()}
    waiting = held(totals.numbers, now)
    return SendView(
        id=send.send_id,
        campaign_id=send.campaign,
        state=send.state,
        reason=send.reason,
        waiting_for=[*_waiting_for(send, account, written.is_home, dues, now), *(one.reason for one in waiting)],
        launched_at=send.launched_at,
        finished_at=send.finished_at,
        expires_at=send.expires_at,
        as_of=totals.as_of,
        policy=PolicyView(unknown=send.unknown_policy, grace_seconds=int(send.grace_seconds)),
        audience=_audience(send),
        account=send.account,
        fallback=send.fallback,
        fallback_reason=send.refused,
        sent_by_account=totals.numbers.get("by_account") or _by_one(send, totals.numbers["outcomes"]),
        recipients=_recipients(totals.numbers["outcomes"], recovery.get("in_doubt", 0)),
        chunks={state: ChunksView(count=n, next_due_at=dues.get(state)) for state, n in sorted(states_of.items())},
        next_chunks=_next_chunks(send, recovery.get("next", ())),
        held=waiting,
        unknown=_unknown(send, recovery, dues.get(ChunkState.UNKNOWN)),
        settled=_settled(recovery.get("settled", {})),
        planner=PlannerView(
            shards=int(send.plan_shards), shards_planned=len(send.planned or ()),
            last_step_at=send.planned_at and clock.business_time_of(send.planned_at),
        ),
        governor=_governor(account),
        circuit=_circuit(account, now),
        sweeper=SweeperView(
            last_look_at=send.swept_at,
            restarted={name: clock.parse(at) for name, at in (send.restarted or {}).items()},
        ),
        stopped=_stopped(send),
        environment=written,
    )  # fmt: skip


def held(numbers: Mapping[str, Any], now: datetime) -> list[HeldView]:
    """Who waits for a better moment, by a roll-up's numbers."""
    found = (numbers.get("recovery") or {}).get("held") or {}
    shown = (HeldView(reason=why, recipients=n, until=clock.parse(until)) for why, (n, until) in sorted(found.items()))
    return [one for one in shown if one.until > now]


def _environment(send: Send) -> EnvironmentView:
    """What was over when the data was adopted stays as it was."""
    ours = send.finished_at is not None or send.environment in (None, environment.ours())
    home = environment.noted(Environment.fetch(*Environment.key())) and ours
    return EnvironmentView(launched_in=send.environment, this=environment.ours(), is_home=home)


def _stopped(send: Send) -> StopView | None:
    if send.state != SendState.PAUSED or send.reason not in reputation.REASONS or not send.stopped:
        return None
    return StopView(**send.stopped)


def _totals(send: Send, now: datetime) -> Totals:
    held = rollups.latest(send.tenant, send.send_id)
    if held and (held.as_of > now - FRESH or _is_large(send)):
        return held
    if _is_large(send):
        return Totals(as_of=send.launched_at, numbers={"outcomes": {}})
    return rollups.store(send.tenant, send, now)


def _is_large(send: Send) -> bool:
    """While it is planned, its shards say how large it may become: there is one for a small one."""
    return int(send.audience_size) > SMALL if send.planned_whole else int(send.plan_shards) > 1


def _waiting_for(send: Send, account: Sender, home: bool, dues: Mapping[str, datetime], now: datetime) -> list[str]:
    """Everything that keeps chunks from being sent now."""
    if send.finished_at is not None:
        return []
    found = [] if home else ["adoption"]
    if states.rests(send):
        found.append("resume")
    if not send.planned_whole:
        found.append("planning")
    if ChunkState.UNKNOWN in dues:
        found.append("outcomes")
    pending = dues.get(ChunkState.PENDING)
    if pending is None or send.state in ENDED:
        return found
    if account.circuit is not None:
        found.append("provider")
    if account.held_until is not None and account.held_until > clock.wall():
        found.append(account.held_reason or senders.THROTTLED)
    elif (left := senders.left_today(account, clock.wall())) is not None and left < 1:
        found.append(senders.DAILY_QUOTA)
    if quotas.room(send, now) == 0:
        found.append("limits")
    if pending > now:
        found.append("due_time")
    return found


def _audience(send: Send) -> AudienceView:
    said = Audience(**send.audience)
    everyone = said.everyone and not (said.segments or said.only or said.earlier)
    return AudienceView(
        segments=[*said.segments, *([said.only] if said.only else [])],
        exclude=list(said.exclude),
        everyone=everyone,
        size=int(send.audience_size),
        planned=send.planned_whole,
    )


def _by_one(send: Send, outcomes: Mapping[str, int]) -> dict[str, int]:
    sent = outcomes.get(Outcome.ACCEPTED, 0)
    return {send.account: sent} if sent else {}


def _recipients(outcomes: Mapping[str, int], in_doubt: int) -> dict[str, int]:
    """By what became of them; what is zero and may still come is told as well."""
    found = {
        "sent": outcomes.get(Outcome.ACCEPTED, 0),
        "open": outcomes.get(Outcome.TO_DO, 0) - in_doubt,
        "unknown": in_doubt,
    }
    return found | {reason: outcomes[letter] for letter, reason in REASONS.items() if outcomes.get(letter)}


def _next_chunks(send: Send, places: Sequence[Sequence[int]]) -> list[OpenChunkView]:
    """The chunks that the roll-up found to be due next, as they are now."""
    keys = [Chunk.key(send.tenant, send.send_id, int(shard), int(number)) for shard, number in places]
    rows = sorted((row for row in Chunk.many(keys) if row.gsi2sk), key=lambda row: str(row.gsi2sk))
    return [
        OpenChunkView(
            shard=row.place[2], number=row.place[3], state=row.state, due_at=clock.parse(row.gsi2sk.split("#")[0]),
            recipients=len(row.to_do), in_doubt=len(row.in_doubt), attempts=int(row.attempts),
        )
        for row in rows
    ]  # fmt: skip


def _unknown(send: Send, recovery: Mapping[str, Any], next_look: datetime | None) -> UnknownView:
    since = clock.parse(recovery["unknown_since"]) if recovery.get("unknown_since") else None
    ends = since + timedelta(seconds=int(send.grace_seconds)) if since else None
    return UnknownView(recipients=recovery.get("in_doubt", 0), since=since, next_look_at=next_look, grace_ends_at=ends)


def _settled(numbers: Mapping[str, int]) -> SettledView:
    return SettledView(
        by_events=numbers.get("events", 0),
        by_asking=numbers.get("asking", 0),
        sent_again=numbers.get("again", 0),
        given_up=numbers.get("given_up", 0),
    )


def _governor(row: Sender) -> GovernorView:
    """The account's figures; what is over is not told any more."""
    wall = clock.wall()
    rate, present = float(row.rate), senders.rate_now(row, wall)
    slowed, left = present < rate, senders.left_today(row, wall)
    held = row.held_until is not None and row.held_until > wall

    def at(moment: datetime | None) -> datetime | None:
        return clock.business_time_of(moment) if moment else None

    return GovernorView(
        account=row.account,
        rate=rate,
        rate_now=round(present, 3),
        slowed_at=at(row.slowed_at) if slowed else None,
        slowed_because=row.slow_reason if slowed else None,
        held_until=at(row.held_until) if held else None,
        held_because=row.held_reason if held else None,
        released_until=at(row.released_until),
        daily_quota_left=None if left is None else int(left),
        quota_checked_at=at(row.checked_at),
        generation=int(row.generation),
        last_step_at=at(row.governed_at),
        restarted_at=row.revived_at,
    )


def _circuit(row: Sender, now: datetime) -> CircuitView:
    return CircuitView(
        state=circuit.state(row, now).value,
        since=row.circuit_since,
        until=circuit.opens_at(row, now),
        failures_in_a_row=int(row.failures or 0),
        last_failure_at=row.failed_at,
        last_reason=row.failure_reason,
    )
