"""What one running simulator holds, and the step that all providers share: a message is accepted."""

from __future__ import annotations

import itertools
import json
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from . import events
from .config import Config, Destination
from .faults import Faults
from .handlebars import RenderingFailure
from .mailbox import Happening, Mail, Mailbox, compiled, data_of
from .notify import Built, Callback, Dispatcher, Published, as_body
from .outcomes import Notice, Script, decide
from .publish import Publisher
from .rate import Quota
from .signing import Keys, notification, sign_twilio, sns_headers, subscription

if TYPE_CHECKING:
    from .ses_identities import Identity
    from .ses_tenants import Tenant

SENDGRID_EVENTS_A_POST = 500


class Simulation:
    """The state behind the server. `data` keeps keys and mailbox over restarts."""

    def __init__(self, data: Path, config: Config | None = None) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.config = config or Config()
        self.keys = Keys(data)
        self.mailbox = Mailbox(data / "mailbox.jsonl")
        self.script = Script()
        self.faults = Faults()
        self.quota = Quota(time.time())
        self.suppressed: dict[str, dict[str, Any]] = {}
        self.configuration_sets: dict[str, dict[str, Any]] = {}
        self.identities: dict[str, Identity] = {}
        self.tenants: dict[str, Tenant] = {}
        self.records: dict[tuple[str, str], list[str]] = {}
        self.tenant_lists: dict[str, dict[str, dict[str, Any]]] = {}
        self.opted_out: set[tuple[str, str]] = set()
        self.dropped: dict[str, dict[str, str]] = {}
        self.callbacks_of: dict[str, str] = {}
        self.customers: dict[str, dict[str, dict[str, Any]]] = {}
        self.customers_asked: list[dict[str, Any]] = []
        self.received: dict[str, list[dict[str, Any]]] = {}
        self.closing = threading.Event()
        self._publisher = Publisher(self.config.aws)
        self.dispatcher = Dispatcher(lambda: self._publisher)

    @property
    def twilio_token(self) -> str:
        """The configured token, or the simulator's own."""
        return self.config.twilio.auth_token or self.keys.twilio_token

    def configure(self, config: Config) -> None:
        """Take a new configuration; events that wait go by the destinations of their acceptance."""
        if config.aws != self.config.aws:
            self._publisher = Publisher(config.aws)
        self.config = config

    def close(self) -> None:
        """Stop threads, wake requests that hang on a fault, close files."""
        self.closing.set()
        self.dispatcher.close()
        self.mailbox.close()

    def accept(self, mails: list[Mail], *, silent: bool = False) -> None:
        """Keep the mails with what happens to them, then tell: the truth is on disk before anybody hears of it. Of
        `silent` ones nobody ever does."""
        now = time.time()
        plans = [(mail, decide(mail, self.script, self._held(mail), self._failure(mail), now)) for mail in mails]
        plans = [(mail, [self._as_dropped(mail, notice) for notice in notices]) for mail, notices in plans]
        if silent:
            plans = [(mail, [Notice(notice.happening, ()) for notice in notices]) for mail, notices in plans]
        for mail, notices in plans:
            mail.happened = [notice.happening for notice in notices]
        self.mailbox.add(mails)
        for mail, notices in plans:
            self._count_notices(mail, notices)
            self._suppress(mail, notices)
        providers = {"ses": self._tell_ses, "sendgrid": self._tell_sendgrid, "twilio": self._tell_twilio}
        for provider, group in itertools.groupby(plans, key=lambda plan: plan[0].provider):
            providers[provider](list(group), now)

    def _failure(self, mail: Mail) -> str:
        content = self.mailbox.content(mail)
        if content.literal:
            return ""
        values = data_of(content, mail)
        try:
            for part in (content.subject, content.html, content.text):
                compiled(part).check(values)
        except RenderingFailure as failure:
            return str(failure)
        return ""

    def _count_notices(self, mail: Mail, notices: list[Notice]) -> None:
        for notice in notices:
            mail.notified[notice.happening.kind] = mail.notified.get(notice.happening.kind, 0) + len(notice.delays)

    def _suppression(self, mail: Mail) -> tuple[dict[str, dict[str, Any]], list[str] | None]:
        """Whose list SES asks for this mail, and what fills it: the configuration set's settings go before the
        tenant's, the tenant's before the account's. None: the account's reasons; empty: no list is asked or filled."""
        tenant = self.tenants.get(mail.tenant)
        options = self.configuration_sets.get(mail.configuration_set, {}).get("SuppressionOptions") or {}
        scope = options.get("SuppressionScope") or (tenant.scope if tenant else "ACCOUNT")
        reasons = options.get("SuppressedReasons", tenant.reasons if tenant else None)
        return (self.tenant_lists.setdefault(mail.tenant, {}) if scope == "TENANT" else self.suppressed), reasons

    def _held(self, mail: Mail) -> set[str]:
        if mail.provider == "sendgrid":
            return set(self.dropped.get(mail.account, ()))
        held, reasons = self._suppression(mail)
        return set() if reasons == [] else set(held)

    def _suppress(self, mail: Mail, notices: list[Notice]) -> None:
        """SES's lists fill themselves when they are asked to."""
        held, own = self._suppression(mail)
        reasons = self.config.ses.suppressed_reasons if own is None else own
        if mail.provider == "sendgrid":
            self._drop_from_now_on(mail, notices)
        if not reasons or mail.provider != "ses":
            return
        for happening in (notice.happening for notice in notices):
            hard = happening.kind == "Bounce" and happening.detail == "General"
            if (hard and "BOUNCE" in reasons) or (happening.kind == "Complaint" and "COMPLAINT" in reasons):
                for address in happening.recipients:
                    reason = "BOUNCE" if hard else "COMPLAINT"
                    held.setdefault(address.lower(), {"reason": reason, "at": happening.at})

    def _drop_from_now_on(self, mail: Mail, notices: list[Notice]) -> None:
        """SendGrid's lists: who bounced, complained or unsubscribed gets nothing more over the account."""
        for happening in (notice.happening for notice in notices):
            reason = {
                ("Bounce", "General"): "Bounced Address", ("Complaint", "abuse"): "Spam Reporting Address",
                ("Unsubscribe", ""): "Unsubscribed Address",
            }.get((happening.kind, happening.detail))  # fmt: skip
            for address in happening.recipients if reason else ():
                self.dropped.setdefault(mail.account, {}).setdefault(address.lower(), str(reason))

    def _as_dropped(self, mail: Mail, notice: Notice) -> Notice:
        """What happened, as SendGrid has it: it does not send to an address on its lists, and says why."""
        happened = notice.happening
        if mail.provider != "sendgrid" or happened.detail != "OnAccountSuppressionList":
            return notice
        reason = self.dropped.get(mail.account, {}).get(happened.recipients[0].lower(), "Bounced Address")
        return Notice(Happening("Reject", happened.recipients, happened.at, reason), notice.delays)

    def _tell_ses(self, plans: list[tuple[Mail, list[Notice]]], now: float) -> None:
        destinations = self.config.ses.destinations
        if not destinations or not self.config.ses.carry_events:
            return
        sends = any("Send" in destination.events for destination in destinations)
        for mail, notices in plans:
            sent = [Notice(Happening("Send", mail.recipients, now))] if sends else []
            for notice in sent + notices:
                for destination in destinations:
                    if wants(destination, mail, notice.happening.kind):
                        self._carry_ses(destination, mail, notice)

    def _carry_ses(self, destination: Destination, mail: Mail, notice: Notice) -> None:
        happening = notice.happening

        def body() -> str:
            return as_body(events.ses(mail, happening, self.mailbox.subject(mail)))

        for delay in notice.delays:
            if destination.kind == "https":
                job = self.sns_callback(destination.url, destination.topic_arn, happening.kind, mail.message_id, body)
                self.dispatcher.put(job, delay)
            else:
                address = destination.topic_arn if destination.kind == "sns" else destination.queue_url
                self.dispatcher.put(Published((destination.kind, address), happening.kind, body), delay)

    def sns_callback(self, url: str, topic_arn: str, kind: str, message_id: str, body: Any) -> Callback:
        """A signed SNS notification around the event that `body()` makes."""

        def build() -> Built:
            envelope = notification(body(), topic_arn, datetime.now(UTC), "Amazon SES Email Event Notification")
            signed = self.keys.sign_sns(envelope)
            return sns_headers(signed), as_body(signed).encode()

        return Callback("ses", url, kind, message_id, build)

    def subscribe(self, url: str, topic_arn: str) -> None:
        """Send a SubscriptionConfirmation to the URL."""
        signed = self.keys.sign_sns(subscription(topic_arn, datetime.now(UTC)))
        built = (sns_headers(signed), as_body(signed).encode())
        self.dispatcher.put(Callback("ses", url, "SubscriptionConfirmation", signed["MessageId"], lambda: built))

    def _tell_sendgrid(self, plans: list[tuple[Mail, list[Notice]]], now: float) -> None:
        url = self.config.sendgrid.callbacks.get(plans[0][0].account) or self.config.sendgrid.callback_url
        if not url:
            return
        waits: dict[tuple[float, ...], list[tuple[Mail, Happening]]] = {}
        for mail, notices in plans:
            for address in mail.recipients:
                waits.setdefault((0.0,), []).append((mail, Happening("Send", [address], now)))
            for notice in notices:
                waits.setdefault(notice.delays, []).append((mail, notice.happening))
        for delays, pairs in waits.items():
            for start in range(0, len(pairs), SENDGRID_EVENTS_A_POST):
                part = pairs[start : start + SENDGRID_EVENTS_A_POST]
                for delay in delays:
                    self.dispatcher.put(self._sendgrid_callback(url, part), delay)

    def _sendgrid_callback(self, url: str, pairs: list[tuple[Mail, Happening]]) -> Callback:
        def build() -> Built:
            body = json.dumps([events.sendgrid(mail, happening) for mail, happening in pairs]).encode()
            return self.keys.sign_sendgrid(body, time.time()), body

        kinds = ",".join(sorted({happening.kind for _, happening in pairs}))
        return Callback("sendgrid", url, kinds, pairs[0][0].message_id, build)

    def _tell_twilio(self, plans: list[tuple[Mail, list[Notice]]], now: float) -> None:
        for mail, notices in plans:
            url = self.callbacks_of.get(mail.message_id)
            if not url:
                continue
            under_way = [Notice(Happening(kind, mail.to, now)) for kind in ("Queued", "Send")]
            for notice in [*under_way, *notices]:
                for delay in notice.delays:
                    self.dispatcher.put(self._twilio_callback(url, mail, notice.happening), delay)

    def _twilio_callback(self, url: str, mail: Mail, happening: Happening) -> Callback:
        def build() -> Built:
            body = urlencode(events.twilio(mail, happening, self.config.twilio.account_sid))
            return sign_twilio(url, body, self.twilio_token), body.encode()

        return Callback("twilio", url, happening.kind, mail.message_id, build)


def wants(destination: Destination, mail: Mail, kind: str) -> bool:
    """The destination takes this kind of event of this mail."""
    its_set = destination.configuration_set in (None, mail.configuration_set)
    return its_set and kind in destination.events
