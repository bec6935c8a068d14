"""A send that went out, for tests of what comes back: its rows, its recipients, and what providers report."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from drumbeat import clock, ids, table
from drumbeat.contacts.model import Contact
from drumbeat.sends import stats, tokens
from drumbeat.sends.model import Chunk, Content, Outcome, Place, Send, SendKey, Stat, pack

SENT_AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
LINKS = ({"number": 1, "url": "https://shop.example/sale?ref=mail"}, {"number": 2, "url": "https://shop.example/new"})


@dataclass
class Sent:
    """A send of one tenant, and the people of its chunks."""

    tenant: str = "ten_acme"
    send_id: str = field(default_factory=lambda: ids.new("snd"))
    campaign: str = field(default_factory=lambda: ids.new("cmp"))
    secret: bytes = b"s" * tokens.SECRET_BYTES
    people: list[list[Contact]] = field(default_factory=list)

    def place(self, chunk: int = 0) -> Place:
        return Place(self.tenant, self.send_id, 0, chunk)

    def token(self, number: int = 0, chunk: int = 0) -> str:
        return tokens.issue(self.secret, self.place(chunk), number)

    def stats(self, chunk: int = 0) -> dict[str, frozenset[int]]:
        """The sets of a chunk's stat item."""
        items = table.raw_many(self.place(chunk).stat_keys(len(self.people[chunk])))
        return Stat.sets_of(stats.joined(items)) if items else {}

    def rows(self, number: int = 0, chunk: int = 0) -> list[dict[str, Any]]:
        """The timeline of a recipient, oldest first, as raw items."""
        partition = f"TIMELINE#{self.tenant}#{self.people[chunk][number].contact_id}"
        return list(table.connection(Stat).query(partition, consistent_read=True)["Items"])

    def event(self, kind: str, number: int = 0, chunk: int = 0, after: float = 60, **details: Any) -> dict[str, Any]:
        """SES's report about a message, `after` seconds after it was sent."""
        person = self.people[chunk][number]
        at = clock.iso(SENT_AT + timedelta(seconds=after))
        tags = {
            "send": [self.send_id], "chunk": [f"0-{chunk}"], "attempt": ["1"], "i": [str(number)],
            "contact": [ids.encode(ids.decode(person.contact_id))], "ses:configuration-set": ["drumbeat"],
        }  # fmt: skip
        mail = {
            "timestamp": clock.iso(SENT_AT), "messageId": f"m-{chunk}-{number}", "destination": [person.email],
            "tags": tags,
        }  # fmt: skip
        part = {"Rendering Failure": "failure", "DeliveryDelay": "deliveryDelay"}.get(kind, kind.lower())
        return {"eventType": kind, "mail": mail, part: {"timestamp": at, **details}}

    def bounce(self, kind: str, number: int = 0, chunk: int = 0, subtype: str = "General") -> dict[str, Any]:
        address = self.people[chunk][number].email
        recipients = [{"emailAddress": address, "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}]
        return self.event(
            "Bounce", number, chunk, bounceType=kind, bounceSubType=subtype, bouncedRecipients=recipients
        )  # fmt: skip

    def seen(
        self, what: str, number: int = 0, chunk: int = 0, after: float = 600, link: int | None = None, **more: Any
    ) -> dict[str, Any]:
        """Our own message of a pixel or a link."""
        message = {
            "type": what, "tenant": self.tenant, "send": self.send_id, "shard": 0, "number": chunk,
            "recipient": number, "at": clock.iso(SENT_AT + timedelta(seconds=after)), "user_agent": BROWSER,
            "ip": "203.0.113.9", "country": "BD", **more,
        }  # fmt: skip
        return message | ({"link": link, "url": f"https://shop.example/{link}"} if link else {})


def sent(
    *, tenant: str = "ten_acme", sizes: Sequence[int] = (3,), links: Sequence[Any] = LINKS, publish: bool = True,
    language: str | None = None, phone: str | None = None, consent: Mapping[str, Any] | None = None,
    campaign_variables: Mapping[str, Any] | None = None, people: list[list[Contact]] | None = None,
) -> Sent:  # fmt: skip
    """A send whose chunks have these sizes (or these people of another send): everyone agreed to e-mail, and was
    accepted by the provider."""
    made = Sent(tenant, people=list(people or []))
    said = {"email": {"status": "granted", "at": clock.iso(SENT_AT - timedelta(days=30)), "method": "api"}}
    for chunk, size in enumerate(() if people else sizes):
        ids_of = sorted(ids.new("con") for _ in range(size))
        made.people.append(
            [_person(made, it, chunk, n, language, phone, consent or said) for n, it in enumerate(ids_of)]
        )
    table.put_many([] if people else [person for persons in made.people for person in persons])
    table.put_many([_chunk(made, number) for number in range(len(made.people))])
    table.put_many([
        SendKey(
            *SendKey.key(made.send_id), tenant=tenant, campaign=made.campaign, secret=made.secret, links=list(links)
        ),
        Send(
            *Send.key(tenant, made.send_id), tenant=tenant, send_id=made.send_id, campaign=made.campaign, account="ses",
            state="sending", audience={}, plan_shards=1, chunk_size=50, planned={0}, unknown_policy="after_grace",
            grace_seconds=7200, publish=publish, launched_at=SENT_AT, launch={},
        ),
        Content(
            *Content.key(tenant, made.send_id), subject="Hi", html="<p>Hi</p>", sender_name="Acme",
            sender_email="news@acme.example", postal_address="1 Main Street", track_opens=True, track_clicks=True,
            variables=dict(campaign_variables or {}),
        ),
    ])  # fmt: skip
    return made


def _person(
    made: Sent, contact_id: str, chunk: int, number: int, language: str | None, phone: str | None, consent: Any
) -> Contact:
    return Contact(
        *Contact.key(made.tenant, contact_id), gsi1pk=Contact.partition_of(made.tenant, contact_id), gsi1sk=contact_id,
        tenant=made.tenant, contact_id=contact_id, email=f"rina{chunk}-{number}@mail.example", first_name="Rina",
        language=language, phone=phone, consent=dict(consent), created_at=SENT_AT, updated_at=SENT_AT,
    )  # fmt: skip


def _chunk(made: Sent, number: int) -> Chunk:
    people = [person.contact_id for person in made.people[number]]
    return Chunk(
        *made.place(number).chunk_key, state="done", recipients=pack(people), outcomes=Outcome.ACCEPTED * len(people)
    )


def batch(messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The messages as SQS hands them to the worker."""
    return {
        "Records": [
            {"messageId": str(place), "body": json.dumps(message), "attributes": {}}
            for place, message in enumerate(messages)
        ]
    }
