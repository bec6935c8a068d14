"""Publishing, pausing, resuming and archiving journeys. Each is one conditional write: of two callers one wins."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from drumbeat import clock, table
from drumbeat.activity import interest
from drumbeat.activity.interest import JOINED, LEFT
from drumbeat.errors import Conflict, Detail, Invalid
from drumbeat.journeys import model, recurring, references, sending, wakes
from drumbeat.journeys.fitting import problems
from drumbeat.journeys.model import Journey, JourneyVersion, Status
from drumbeat.journeys.sending import DailySend
from drumbeat.journeys.steps import Definition
from drumbeat.journeys.terms import SegmentTrigger
from drumbeat.journeys.wakes import Wake
from drumbeat.sends import environment, states
from drumbeat.sends.model import Send, SendState
from drumbeat.table import ConditionFailed, Transaction, TransactionRefused

# Wakes that were due while a journey was paused start one after the other (business time).
SPREAD = timedelta(seconds=5)
BY_JOURNEY = "journey_paused"
# Sends of so many days may still have something to send.
SENDING_DAYS = sending.STALE + timedelta(days=2)
MOST_VERSIONS_MOVED = 90


class NotReady(Invalid):
    """The journey lacks something, or its parts do not fit together; every problem is named by its place."""

    code = "JOURNEY_NOT_READY"


def publish(journey: Journey, actor: str | None, now: datetime, *, migrate: bool = False) -> Journey:
    """Make the draft the journey's next version, and let it run. Those inside finish theirs; with `migrate` they go on
    with the new one. Raises WrongStatus, NotReady, Conflict."""
    journey.require(Status.DRAFT, Status.ACTIVE, Status.PAUSED)
    definition = checked(journey)
    number = int(journey.version) + 1
    # Before the version is there, so that no event is missed; what is waited for too much does no harm.
    listen(journey, definition)
    version = JourneyVersion(
        *JourneyVersion.key(journey.tenant, journey.journey_id, number), definition=definition.stored,
        published_at=now, published_by=actor,
    )  # fmt: skip
    status = Status.PAUSED if journey.status == Status.PAUSED else Status.ACTIVE
    changed = {
        "status": status.value, "version": number, "changed": False, "updated_at": now,
        "activated_at": journey.activated_at or now, **recurring.first(definition, now),
    }  # fmt: skip
    transaction = Transaction().create(version)
    transaction.update(Journey, journey.pk, journey.sk, model.actions(changed), journey.unchanged())
    if migrate:
        _move(transaction, journey, number)
    try:
        transaction.commit()
    except TransactionRefused as refused:
        raise Conflict("The journey was changed at the same time. Read it and try again.") from refused
    journey.refresh(consistent_read=True)
    return journey


def checked(journey: Journey) -> Definition:
    """The draft with names resolved, as a version keeps it. Raises NotReady with all that is wrong."""
    definition = journey.definition
    details = problems(definition)
    resolved, unknown = references.resolved(journey, definition)
    details += unknown
    if details:
        raise NotReady("The journey cannot run yet; see details.", [Detail(*one) for one in details])
    return resolved


def _move(transaction: Transaction, journey: Journey, number: int) -> None:
    """Those inside earlier versions go on with this one."""
    earlier = [one for one in model.versions(journey.tenant, journey.journey_id) if one.moved_to is None]
    for one in earlier[:MOST_VERSIONS_MOVED]:
        transaction.update(JourneyVersion, one.pk, one.sk, [JourneyVersion.moved_to.set(number)])


def listen(journey: Journey, definition: Definition) -> None:
    """Wait for what a version, or an earlier one that somebody may be in, waits for."""
    wanted: dict[str, set[str]] = {
        topic: set(names) for topic, names in interest.wanted_by(journey.tenant, journey.journey_id).items()
    }
    wanted.setdefault(interest.EVENT, set()).update(definition.events())
    if isinstance(definition.trigger, SegmentTrigger):
        wanted.setdefault(JOINED, set()).add(definition.trigger.segment)
    if definition.terms.exit_on.segment is not None:
        wanted.setdefault(LEFT, set()).add(definition.terms.exit_on.segment)
    interest.declare(journey.tenant, journey.journey_id, wanted)


def pause(journey: Journey, now: datetime, *, reason: str | None = None) -> Journey:
    """Nobody goes on, and what is on its way to a provider stops. Nobody is lost: whoever is due waits. Raises
    WrongStatus, Conflict."""
    journey.require(Status.ACTIVE)
    model.change(journey, now, status=Status.PAUSED.value, reason=reason, paused_at=now, pauses=int(journey.pauses) + 1)
    for send in _open_sends(journey, now):
        states.pause(journey.tenant, send.send_id, BY_JOURNEY)
    again = Journey.fetch(journey.pk, journey.sk)
    if again is not None and again.status == Status.ACTIVE:  # whoever resumed it meanwhile may have missed these
        list(_let_send(journey, now))
    return journey


def pause_itself(tenant: str, journey_id: str, reason: str) -> None:
    """A journey whose messages cannot be sent pauses, and says why."""

    def once() -> Journey | None:
        journey = Journey.fetch(*Journey.key(tenant, journey_id))
        if journey is None or journey.status != Status.ACTIVE:
            return journey
        now = clock.business()
        journey.change(
            *model.actions(
                {"status": Status.PAUSED.value, "reason": reason[:500], "paused_at": now,
                 "pauses": int(journey.pauses) + 1, "updated_at": now}
            ),
            unchanged=True,
        )  # fmt: skip
        return journey

    for _ in range(20):
        with suppress(ConditionFailed):
            once()
            return


def resume(journey: Journey, now: datetime) -> Journey:
    """Go on: what was due meanwhile is due now, spread over a while; sends that were paused, by whatever, send again,
    since they have no campaign that somebody could resume. Raises WrongStatus, RestoredCopy, Conflict."""
    journey.require(Status.PAUSED)
    environment.require_home()
    for send in _let_send(journey, now):  # first: who is cut off here is still paused, and asks again
        states.wake(send)
    model.change(journey, now, status=Status.ACTIVE.value, reason=None, paused_at=None)
    for place, wake in enumerate(_due(journey, now)):
        release(wake, int(journey.pauses), place * SPREAD)
    return journey


def _let_send(journey: Journey, now: datetime) -> Iterator[Send]:
    """Its sends that were paused send again, whatever paused them; a sweep finds them, if nobody wakes them."""
    for send in _open_sends(journey, now):
        with suppress(ConditionFailed):
            send.change(
                Send.state.set(SendState.SENDING.value), Send.reason.remove(), Send.stopped.remove(),
                condition=Send.state == SendState.PAUSED.value,
            )  # fmt: skip
            yield send


def _due(journey: Journey, now: datetime) -> list[Wake]:
    found = wakes.of_journey(journey.tenant, journey.journey_id)
    return [wake for wake in found if wake.held or wake.due_at <= now]


def release(wake: Wake, pauses: int, after: timedelta) -> None:
    """Start a wake that was kept. Should its run die, a sweep finds it as it finds others."""
    late = clock.iso(clock.wall_time_of(clock.business() + after) + wakes.LATE)
    with suppress(ConditionFailed):
        wake.change(Wake.held.remove(), Wake.gsi2sk.set(late), condition=Wake.done_at.does_not_exist())
        wakes.start(wake, f"-p{pauses}", after)


def _open_sends(journey: Journey, now: datetime) -> list[Send]:
    """The journey's sends that may still have something to send."""
    recent: list[DailySend] = []
    for row in sending.of_journey(journey.tenant, journey.journey_id):
        if row.made_at < now - SENDING_DAYS:
            break
        recent.append(row)
    keys = [Send.key(journey.tenant, row.send_id) for row in recent]
    found: list[Send] = []
    for place in range(0, len(keys), table.MOST_IN_BATCH_GET):
        found += Send.many(keys[place : place + table.MOST_IN_BATCH_GET])
    return [send for send in found if send.finished_at is None]


def archive(journey: Journey, now: datetime) -> Journey:
    """It is over: nobody enters, and whoever is inside leaves when something would be done for them. Raises
    WrongStatus, Conflict."""
    journey.require(Status.DRAFT, Status.ACTIVE, Status.PAUSED)
    was_paused = journey.status == Status.PAUSED
    model.unlist(journey, now, status=Status.ARCHIVED.value, gsi2pk=None, gsi2sk=None, reason=None)
    interest.declare(journey.tenant, journey.journey_id, {})
    for place, wake in enumerate(_due(journey, now) if was_paused else ()):
        release(wake, int(journey.pauses), place * SPREAD)
    return journey
