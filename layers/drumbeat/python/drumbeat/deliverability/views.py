"""Sending identities as requests say them and answers show them."""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from drumbeat.contacts import addresses
from drumbeat.deliverability import reputation, setup, warmup
from drumbeat.deliverability.claims import Claim
from drumbeat.deliverability.model import Identity
from drumbeat.deliverability.reputation import Figure, SendFigures
from drumbeat.deliverability.setup import Check, Record
from drumbeat.errors import Invalid
from drumbeat.fields import Body, Instant, Listing, View

# Of so many sends an answer tells.
MOST_SENDS = 100
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])")


def domain(text: str) -> str:
    """A host name in ASCII and lower case. Raises ValueError."""
    try:
        ascii_name = text.strip().rstrip(".").encode("idna").decode().lower()
    except UnicodeError as error:
        raise ValueError("must be a domain such as example.com") from error
    if len(ascii_name) > 253 or not _DOMAIN.fullmatch(ascii_name):
        raise ValueError("must be a domain such as example.com")
    return ascii_name


def _sender(text: str) -> str:
    if "@" not in text:
        return domain(text)
    return addresses.claim(addresses.email(text))


Domain = Annotated[str, StringConstraints(min_length=1, max_length=253), AfterValidator(domain)]
Sender = Annotated[str, StringConstraints(min_length=1, max_length=254), AfterValidator(_sender)]


class NewIdentity(Body):
    """A domain, or one e-mail address, to send from. `mail_from` is the domain of bounces, below the domain
    (`bounces.<domain>` unless said)."""

    name: Sender
    mail_from: Domain | None = None

    def checked(self) -> "NewIdentity":
        """Raises Invalid for a MAIL FROM domain that SES would not take."""
        own = self.name.rpartition("@")[2]
        if self.mail_from and not self.mail_from.endswith(f".{own}"):
            raise Invalid.field("mail_from", f"must lie below the domain, such as bounces.{own}")
        return self


class IdentityQuery(Listing):
    """How to page through the identities."""


class WarmUpChange(Body):
    """What to do with the warm-up: `start` it, `pause` at today's step, `resume`, `skip` to the next step today, or
    `stop` it, which leaves no limit. `target` is the number of recipients a day at which a started plan ends."""

    action: Literal["start", "pause", "resume", "skip", "stop"]
    target: int = Field(default=warmup.STEPS[-1], ge=100, le=warmup.STEPS[-1])


class Resumption(Body):
    """Send again in spite of the figures: `override` says that somebody answers for it, for so many hours."""

    override: bool = False
    hours: int = Field(default=24, ge=1, le=72)


class WarmUpDay(View):
    """A day (of UTC) and how many recipients it may have."""

    date: str
    limit: int


class WarmUpView(View):
    """The plan. `limit_today` is null when there is no limit."""

    state: str
    step: int
    steps: int
    target: int
    limit_today: int | None
    days: list[WarmUpDay]


class FigureView(View):
    """What came back of the mails of the last seven days. Rates are fractions of `sent`; `level` is too_few (to judge),
    good, warning or critical, and `reasons` names the rates that made it so."""

    sent: int
    delivered: int
    bounced: int
    soft_bounced: int
    complained: int
    bounce_rate: float
    complaint_rate: float
    level: str
    reasons: list[str]


class SendFigureView(View):
    """One send's part of it."""

    campaign_id: str
    send_id: str
    launched_at: Instant
    as_of: Instant
    sent: int
    bounced: int
    complained: int


class Thresholds(View):
    """From which rates on there is a warning, from which sending is paused, and for how many mails at least."""

    warn: float
    pause: float
    least_sent: int


class ReputationView(View):
    """An identity's reputation: its figure, the latest hundred of the sends that it is made of, and what the rates are
    held against."""

    identity_id: str
    name: str
    as_of: Instant
    sending: str
    paused_at: Instant | None
    override_until: Instant | None
    figure: FigureView
    sends: list[SendFigureView]
    bounce_thresholds: Thresholds
    complaint_thresholds: Thresholds


class IdentityView(View):
    """A sending identity. `state` is pending, verified, failed or (deletion stopped halfway) deleting, `reason` what is
    missing; `sending` is paused while its reputation is too bad; `records` are the DNS records that it needs."""

    id: str
    name: str
    type: str
    state: str
    reason: str | None
    sending: str
    paused_at: Instant | None
    override_until: Instant | None
    configuration_set: str
    mail_from: str | None
    mail_from_state: str | None
    records: list[Record]
    warmup: WarmUpView | None
    created_at: Instant
    verified_at: Instant | None
    checked_at: Instant | None


class SetupView(View):
    """An identity's DNS: `ready` when everything could be looked up, and nothing is missing or wrong."""

    identity_id: str
    name: str
    ready: bool
    checks: list[Check]


def warmup_view(plan: warmup.Plan | None, now: datetime) -> WarmUpView | None:
    if plan is None:
        return None
    step = warmup.step_on(plan, warmup.day_of(now))
    return WarmUpView(
        state="done" if step >= warmup.length(plan) else plan.state,
        step=min(step + 1, warmup.length(plan)),
        steps=warmup.length(plan),
        target=plan.target,
        limit_today=warmup.limit(plan, now),
        days=[WarmUpDay(date=day.isoformat(), limit=limit) for day, limit in warmup.days(plan, now)],
    )


def view(row: Identity, claim: Claim | None, now: datetime) -> IdentityView:
    return IdentityView(
        id=row.identity_id, name=row.name, type="domain" if row.is_domain else "address", state=row.state,
        reason=row.reason, sending=row.sending, paused_at=row.paused_at, override_until=row.override_until,
        configuration_set=row.configuration_set, mail_from=row.mail_from, mail_from_state=row.mail_from_state,
        records=[record for _, record in setup.expected(row, claim)],
        warmup=warmup_view(warmup.plan_of(row.warmup), now), created_at=row.created_at, verified_at=row.verified_at,
        checked_at=row.checked_at,
    )  # fmt: skip


def setup_view(row: Identity, checks: list[Check]) -> SetupView:
    ready = all(check.looked_up and check.state in ("ok", "warning") for check in checks)
    return SetupView(identity_id=row.identity_id, name=row.name, ready=ready, checks=checks)


def figure_view(found: Figure) -> FigureView:
    return FigureView(
        sent=found.sent, delivered=found.delivered, bounced=found.bounced, soft_bounced=found.soft_bounced,
        complained=found.complained, bounce_rate=found.bounce_rate, complaint_rate=found.complaint_rate,
        level=found.level, reasons=list(found.reasons),
    )  # fmt: skip


def reputation_view(row: Identity, sends: list[SendFigures], now: datetime) -> ReputationView:
    return ReputationView(
        identity_id=row.identity_id, name=row.name, as_of=now, sending=row.sending, paused_at=row.paused_at,
        override_until=row.override_until, figure=figure_view(reputation.summed(sends)),
        sends=[
            SendFigureView(
                campaign_id=one.campaign, send_id=one.send_id, launched_at=one.launched_at, as_of=one.as_of,
                sent=int(one.sent), bounced=int(one.bounced), complained=int(one.complained),
            )
            for one in sends[-MOST_SENDS:]
        ],
        bounce_thresholds=Thresholds(
            warn=reputation.WARN_BOUNCES, pause=reputation.MOST_BOUNCES, least_sent=reputation.LEAST_FOR_BOUNCES
        ),
        complaint_thresholds=Thresholds(
            warn=reputation.WARN_COMPLAINTS, pause=reputation.MOST_COMPLAINTS,
            least_sent=reputation.LEAST_FOR_COMPLAINTS,
        ),
    )  # fmt: skip
