"""Every recipient of a campaign, and what became of each: who was sent, who was not, and why."""

import base64
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from drumbeat import clock, table
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.views import RecipientQuery
from drumbeat.contacts import model as contacts
from drumbeat.errors import Invalid
from drumbeat.fields import Instant, Page, View
from drumbeat.sends import moving, rollups
from drumbeat.sends.model import REASONS, Chunk, Outcome, Place, Send, Stat
from drumbeat.sends.moment import looking

EVENTS = ("delivered", "bounced", "soft_bounced", "complained", "opened", "clicked", "unsubscribed", "failed")


class RecipientView(View):
    """A recipient. `outcome` is sent, not_sent or open; `events` is what is known of the message. Who is open and waits
    for a better moment has the reason `quiet_hours` or `frequency_cap`, and `held_until`. `account` is the provider
    account that it left over, where that is not the send's first, or others in its chunk moved away from that."""

    contact_id: str
    email: str | None
    phone: str | None
    outcome: str
    reason: str | None
    note: str | None
    held_until: Instant | None
    message_id: str
    account: str | None
    events: list[str]


class _Row(NamedTuple):
    chunk: Chunk
    number: int
    letter: str


def page(campaign: Campaign, query: RecipientQuery) -> Page[RecipientView]:
    """Recipients in the order of the ledger. Raises Invalid for a cursor that is not of this list."""
    send = Send.fetch(*Send.key(campaign.tenant, campaign.send_id)) if campaign.send_id else None
    if send is None:
        return Page(items=[], total_count=0, limit=query.limit)
    skip = ((query.page or 1) - 1) * query.limit if query.cursor is None else 0
    start = _decode(query.cursor) if query.cursor else (0, 0, -1)
    window: list[_Row] = []
    more = False
    for row in _rows(send, start):
        if not _wanted(row.letter, query):
            continue
        if skip:
            skip -= 1
            continue
        if len(window) == query.limit:
            more = True
            break
        window.append(row)
    return Page(
        items=_views(campaign.tenant, window),
        total_count=_total(send, query),
        limit=query.limit,
        next_cursor=_encode(window[-1]) if more else None,
    )


def of_chunk(tenant: str, chunk: Chunk) -> list[RecipientView]:
    """All recipients of a chunk, in its order. Reads Contact, Stat."""
    return _views(tenant, [_Row(chunk, number, letter) for number, letter in enumerate(chunk.outcomes)])


def of_messages(tenant: str, messages: Sequence[tuple[Place, int]]) -> list[RecipientView]:
    """The recipients of single messages, by their chunks' places and their numbers. Reads Chunk, Contact, Stat."""
    chunks = {chunk.place: chunk for chunk in Chunk.many(place.chunk_key for place, _ in messages)}
    known = [(chunks[place], number) for place, number in messages if place in chunks]
    return _views(tenant, [_Row(chunk, number, chunk.outcomes[number]) for chunk, number in known])


def _rows(send: Send, start: tuple[int, int, int]) -> Iterator[_Row]:
    """The ledger behind a place (shard, chunk, recipient)."""
    for shard in range(start[0], int(send.plan_shards)):
        first = f"{start[1]:06d}" if shard == start[0] else "000000"
        for chunk in table.rows(Chunk, f"CHUNK#{send.tenant}#{send.send_id}#{shard}", start=first):
            here = (shard, int(chunk.sk))
            for number, letter in enumerate(chunk.outcomes):
                if here != start[:2] or number > start[2]:
                    yield _Row(chunk, number, letter)


def _outcome(letter: str) -> str:
    return {Outcome.ACCEPTED.value: "sent", Outcome.TO_DO.value: "open"}.get(letter, "not_sent")


def _wanted(letter: str, query: RecipientQuery) -> bool:
    fits = not query.outcome or _outcome(letter) == query.outcome
    return fits and (not query.reason or REASONS.get(letter) == query.reason)


def _total(send: Send, query: RecipientQuery) -> int:
    """The ledger counts its outcomes anyway, so every filter here has an exact total."""
    outcomes = rollups.outcomes(send.tenant, send)
    return sum(size for letter, size in outcomes.items() if _wanted(letter, query))


def _views(tenant: str, rows: list[_Row]) -> list[RecipientView]:
    ids = [row.chunk.contacts[row.number] for row in rows]
    people = {contact.contact_id: contact for contact in contacts.many(tenant, ids)}
    keys = {row.chunk.place.stat_key_of(row.number) for row in rows}
    stats = {(item["pk"]["S"], item["sk"]["S"]): Stat.sets_of(item) for item in table.raw_many(sorted(keys))}
    shown, now = [], clock.business()
    for row, contact_id in zip(rows, ids, strict=True):
        sets = stats.get(row.chunk.place.stat_key_of(row.number), {})
        person = people.get(contact_id)
        why, until = looking.waits(row.chunk, now).get(row.number, (None, None))
        shown.append(
            RecipientView(
                contact_id=contact_id,
                email=person.email if person else None,
                phone=person.phone if person else None,
                outcome=_outcome(row.letter),
                reason=REASONS.get(row.letter, why),
                note=(row.chunk.notes or {}).get(str(row.number)),
                held_until=until,
                message_id=row.chunk.place.message(row.number),
                account=moving.carrier(row.chunk, row.number),
                events=[name for name in EVENTS if row.number in sets.get(name, ())],
            )
        )
    return shown


def _encode(row: _Row) -> str:
    place = row.chunk.place
    return base64.urlsafe_b64encode(f"{place[2]}.{place[3]}.{row.number}".encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[int, int, int]:
    try:
        shard, chunk, number = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(".")
        return int(shard), int(chunk), int(number)
    except ValueError as error:
        raise Invalid.field("cursor", "is not a cursor of this list; leave it out to start again") from error
