"""What must hold when a story is over: each promise by its number.

1 each eligible recipient at most once with `never`, and with `after_grace` exactly once if any report of it came within
  the grace; everyone else has a stored state that says why; the states add up to the audience
2 nothing is accepted more than a minute after an opt-out
3 counters are what the provider's reports give
4 a paused send claims nothing; 5 each event is published once; 6 nobody touches another tenant's keys
7 and 8 are in `moments`, 9 in `fallbacks`
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from drumbeat.sends.model import REASONS, Outcome, unpack

from tests.simulation import fallbacks, moments, towns
from tests.simulation.clockwork import ONCE, SKEW
from tests.simulation.plans import Side
from tests.simulation.provider import MOST_ENTRIES, Mail, Message
from tests.simulation.story import Story

GRACE = 7200.0
# A report takes so long from the queue to the set that is looked at: batches gather, and fail, and come again.
APPLIED = 1500.0
OPT_OUT, PAUSE = 60.0, 10.0
REASON_OF = {"page": {Outcome.REVOKED}, "consent": {Outcome.REVOKED}, "suppression": {Outcome.SUPPRESSED}}
ANY_BAR = frozenset({Outcome.REVOKED, Outcome.SUPPRESSED})


class Recipient(NamedTuple):
    """What the ledger says of somebody."""

    outcome: str
    message: Message


def broken(story: Story) -> list[str]:
    """Every promise that does not hold, in words; empty when all do. To be asked inside of `edge.played`'s world."""
    found = [*story.problems, *(f"trespass: {one}" for one in story.cloud.trespasses[:5])]
    if found:
        return found
    for side in story.sides:
        story.send_of(side)
        found += [f"{side.tenant}: {one}" for one in _of_side(story, side)]
    if story.plan.quiet or story.plan.capped:
        for other in story.others:
            story.send_of(other)
        sides = [story.sides[0], *story.others]
        found += moments.broken(story.plan, story.work, sides, story.cloud.mails.accepted)
    return [*found, *fallbacks.broken(story.cloud.mails.accepted), *_counted_instead(story)]


def _of_side(story: Story, side: Side) -> Iterator[str]:
    accepted = {who: mails for (send, who), mails in story.cloud.mails.accepted.items() if send == side.send}
    if not side.send:
        if accepted:
            yield "mails without a send"
        return
    ledger, doubles = _ledger(story, side)
    yield from doubles
    yield from _audience(story, side, ledger)
    within = _in_time(story)
    for who in story.people:
        mails, recipient = accepted.get(who, []), ledger.get(who)
        if recipient is not None:
            yield from _once(story, side, who, mails, recipient, within)
            yield from _stated(side, who, mails, recipient, story, within)
        elif mails:
            yield f"{who} got a mail and is in no chunk"
    yield from _opt_outs(side, accepted)
    yield from _pauses(story, side)
    yield from _numbers(story, side, ledger)
    yield from _rows(story, side, ledger)


def _ledger(story: Story, side: Side) -> tuple[dict[str, Recipient], list[str]]:
    """Who is in which chunk, and what became of them."""
    found: dict[str, Recipient] = {}
    problems = []
    for shard in story.lanes(side):
        for item in story.store.partition(f"CHUNK#{side.tenant}#{side.send}#{shard}"):
            if item["state"]["S"] != "done":
                problems.append(f"the chunk {shard}-{item['sk']['S']} is {item['state']['S']} at the end")
            people = unpack(item["recipients"]["B"])
            for number, (who, outcome) in enumerate(zip(people, item["outcomes"]["S"], strict=True)):
                if who in found:
                    problems.append(f"{who} is in two chunks")
                found[who] = Recipient(outcome, Message(side.send, f"{shard}-{int(item['sk']['S'])}", number))
    return found, problems


def _audience(story: Story, side: Side, ledger: Mapping[str, Recipient]) -> Iterator[str]:
    """Everybody was planned, but who was deleted or left meanwhile; calls are as large as the account's rate lets."""
    missing = set(story.people) - set(ledger) - side.deleted - side.movers
    if missing:
        yield f"{len(missing)} are in no chunk: {sorted(missing)[:3]}"
    send = story.store.items[f"SEND#{side.tenant}#{side.send}", "SEND"]
    size = int(send["audience_size"]["N"])
    wanted = min(MOST_ENTRIES, int(story.plan.rate))
    if not story.plan.an_hour and int(send["chunk_size"]["N"]) != wanted:
        yield f"chunks of {send['chunk_size']['N']}, not of {wanted}"
    if size != len(ledger):
        yield f"the audience is {size}, and {len(ledger)} have a state"


def _once(story: Story, side: Side, who: str, mails: list[Mail], recipient: Recipient, within: float) -> Iterator[str]:
    """At most once; a second mail only under `after_grace`, and only when nothing was heard of the first in time."""
    if len(mails) < 2:
        return
    first, second = mails[0], mails[1]
    heard = story.cloud.mails.told.get(recipient.message)
    in_time = heard is not None and heard.first < first.at + within
    if side.policy == "never" or len(mails) > 2 or in_time or second.at < first.at + within:
        after = f"{heard.first - first.at:.0f} s" if heard else "never"
        yield (
            f"{who} got {len(mails)} mails ({side.policy}), the second after {second.at - first.at:.0f} s; "
            f"the first report came after {after}"
        )
        return
    story.exceptions.append(f"{side.tenant} {who}: twice, its first report came late or never")


def _in_time(story: Story) -> float:
    """Seconds after a mail in which a report of it counts, whatever clocks showed: who began the grace and who ended it
    may both have been wrong, and one worker of a seed at most by an hour."""
    return GRACE - APPLIED - (ONCE if story.work.once else SKEW) - SKEW


def _stated(
    side: Side, who: str, mails: list[Mail], recipient: Recipient, story: Story, within: float
) -> Iterator[str]:
    """The stored state is true, and says why somebody was not sent."""
    outcome = Outcome(recipient.outcome)
    if outcome == Outcome.TO_DO:
        yield f"{who} is left open"
    elif outcome == Outcome.ACCEPTED:
        if not mails:
            yield f"{who} counts as sent and got nothing"
    elif mails and not _given_a_second_look(story, mails, recipient, within):
        yield f"{who} got a mail, and its report came in time, and counts as {REASONS[outcome]}"
    elif outcome not in _possible(side, who, story):
        yield f"{who} counts as {REASONS[outcome]}, and why?"
    bar = side.barred.get(who)
    # A worker that died with its claim tells nobody for whom it would have called.
    others = {Outcome.CANCELLED, Outcome.EXPIRED, Outcome.GONE, Outcome.GIVEN_UP} & _possible(side, who, story)
    if bar and outcome not in others and REASONS.get(outcome) != bar:
        yield f"{who} is barred ({bar}) and counts as {outcome.name}"


def _given_a_second_look(story: Story, mails: list[Mail], recipient: Recipient, within: float) -> bool:
    """Whether nobody heard of the mail in time, so that its recipient was looked at again, and then barred."""
    heard = story.cloud.mails.told.get(recipient.message)
    return heard is None or heard.first > mails[0].at + within


def _possible(side: Side, who: str, story: Story) -> set[Outcome]:
    """Why somebody may not have been sent."""
    found = {Outcome(letter) for letter, reason in REASONS.items() if reason == side.barred.get(who)}
    for one in side.opt_outs:
        if one.contact == who:
            found |= REASON_OF[one.way] | ANY_BAR
    if who in side.deleted:
        found |= {Outcome.GONE, *ANY_BAR}
    if (side.send, who) in story.cloud.mails.rejected:
        found.add(Outcome.REJECTED)
    if side.cancelling:
        found.add(Outcome.CANCELLED)
    if side.policy == "never" or side.cancelling:
        found.add(Outcome.GIVEN_UP)
    if who in side.touched:
        found |= ANY_BAR
    if story.plan.capped and side is story.sides[0]:
        found |= {Outcome.FREQUENCY_CAP, *ANY_BAR}  # the other campaign's mail may have bounced
    return found


def _opt_outs(side: Side, accepted: Mapping[str, list[Mail]]) -> Iterator[str]:
    for one in side.opt_outs:
        for mail in accepted.get(one.contact, []):
            if mail.at > one.at + OPT_OUT:
                yield f"{one.contact} opted out ({one.way}) and got a mail {mail.at - one.at:.0f} s later"


def _pauses(story: Story, side: Side) -> Iterator[str]:
    for pause in side.pauses:
        for at, send in story.cloud.claims:
            if send == side.send and pause.start + PAUSE < at < pause.end:
                yield f"claimed {at - pause.start:.0f} s after it was paused"


def _numbers(story: Story, side: Side, ledger: Mapping[str, Recipient]) -> Iterator[str]:
    """The performance answer and the stored totals against the ledger and the provider's reports."""
    sets: defaultdict[str, set[Message]] = defaultdict(set)
    for message, told in story.cloud.mails.told.items():
        if message.send == side.send:
            for kind in told.kinds:
                sets[kind].add(message)
    letters = Counter(recipient.outcome for recipient in ledger.values())
    soft = sets["soft_bounced"] - sets["delivered"] - sets["bounced"]
    wanted = {
        "recipients": len(ledger),
        "sent": letters[Outcome.ACCEPTED],
        "open": 0,
        "delivered": len(sets["delivered"] - sets["bounced"]),
        "bounced": len(sets["bounced"] | soft),
        "soft_bounced": len(soft),
        "complained": len(sets["complained"]),
        "opened": len(sets["opened"]),
        "not_sent_by_reason": {reason: letters[letter] for letter, reason in REASONS.items() if letters[letter]},
    }
    path = {"campaign_id": side.campaign}
    shown = towns.ask(side.tenant, "campaigns.get_performance", path=path).data
    yield from (f"{name} is {shown[name]}, not {value}" for name, value in wanted.items() if shown[name] != value)
    clicked = shown["clicked"] + shown["clicked_by_machines"]
    if clicked != len(sets["clicked"]):
        yield f"{clicked} clicked, not {len(sets['clicked'])}"
    asked = {one.contact for one in side.opt_outs if one.way == "page"}
    if not len(asked) <= shown["unsubscribed"] + len(side.touched) or shown["unsubscribed"] > len(side.touched):
        yield f"{shown['unsubscribed']} unsubscribed, and {len(asked)} asked to"
    for chart in ("timeline", "by_domain"):
        charted = sum(row["sent"] for row in shown[chart])
        if charted != letters[Outcome.ACCEPTED]:
            yield f"{chart} shows {charted} mails, not {letters[Outcome.ACCEPTED]}"
    totals = story.stored_totals(side)
    if totals.get("accepted") != letters[Outcome.ACCEPTED] or totals.get("delivered", 0) != wanted["delivered"]:
        yield f"the last roll-up says {totals.get('accepted')} and {totals.get('delivered', 0)}"


def _counted_instead(story: Story) -> Iterator[str]:
    """The numbers of what counts in the product's place."""
    if story.counting is None:
        return
    told = Counter(kind for told in story.cloud.mails.told.values() for kind in told.kinds)
    counted = story.counting.numbers()
    yield from (
        f"{kind} is {counted.get(kind, 0)}, not {told[kind]}" for kind in told if told[kind] != counted.get(kind)
    )


def _rows(story: Story, side: Side, ledger: Mapping[str, Recipient]) -> Iterator[str]:
    """Each accepted mail that we know of is one row of its recipient's timeline, and one event."""
    sent = 0
    for who, recipient in ledger.items():
        rows = [
            row
            for row in story.store.partition(f"TIMELINE#{side.tenant}#{who}")
            if row.get("name", {}).get("S") == "email.sent" and row["send"]["S"] == side.send
        ]
        sent += bool(rows)  # a second mail of the same message is the same event
        mails = len(story.cloud.mails.accepted.get((side.send, who), []))
        if recipient.outcome == Outcome.ACCEPTED and who not in side.deleted and not 1 <= len(rows) <= mails:
            yield f"{who} has {len(rows)} rows of {mails} mails"
    frames = [frame for frame in story.cloud.published.values() if frame["metadata"]["tenant_id"] == side.tenant]
    kinds = Counter(frame["event_type"] for frame in frames)
    others = sum(bool(other.send) for other in story.others if other.tenant == side.tenant)
    for kind in ("marketing.campaign.launched", "marketing.campaign.completed"):
        if kinds[kind] != 1 + others:
            yield f"{kind} was published {kinds[kind]} times"
    if story.plan.publish and not side.deleted and kinds["marketing.email.sent"] != sent:
        yield f"{kinds['marketing.email.sent']} events of {sent} mails"
