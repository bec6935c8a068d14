"""Test mails: the campaign as it would be sent, to addresses of the caller's, with values of the caller's. Not
counted; but a test is mail, too: who was suppressed or has opted out gets none, and the others' consent is recorded.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from drumbeat.campaigns import content, words
from drumbeat.campaigns.model import Campaign
from drumbeat.channels import ses
from drumbeat.channels.outcomes import CallState, Fate
from drumbeat.contacts import addresses, batch, consent, suppressions
from drumbeat.contacts.views import NewContact
from drumbeat.errors import Detail, Unavailable
from drumbeat.feedback.tracking import SAMPLE
from drumbeat.fields import View
from drumbeat.sends import environment, rendering
from drumbeat.sends.model import Content
from drumbeat.templates.limits import TemplateError

if TYPE_CHECKING:
    from drumbeat.templates.engine import Compiled


# Names of test data under which products may be named.
PRODUCTS = frozenset({"products", "personalized_products"})


class TestResult(View):
    """What the provider said about one test mail, or (`suppressed:<reason>`, `revoked`) why it was not asked."""

    __test__ = False
    email: str
    sent: bool
    reason: str | None
    message_id: str | None


def send(
    campaign: Campaign, emails: Sequence[str], data: Mapping[str, Any], now: datetime, language: str | None = None
) -> list[TestResult]:
    """Send a test, in a language, to each address. Products in the data may be ids or skus. Raises NotReady,
    RestoredCopy, or Unavailable when the provider cannot be reached or refuses."""
    environment.require_home()
    said = content.build(campaign, f"test-{campaign.campaign_id}", language)
    data = _with_products(campaign.tenant, data, said.words or "")
    said.track_opens = said.track_clicks = False
    compiled = content.checked(said)
    template = ses.Template(f"[Test] {compiled.subject}", compiled.html, compiled.text)
    mails = {email: _mail(email, compiled, said, data) for email in emails}
    blocked = _blocked(campaign.tenant, emails, now)
    allowed = [email for email in mails if email not in blocked]
    results = {
        email: TestResult(email=email, sent=False, reason=reason, message_id=None) for email, reason in blocked.items()
    }
    if allowed:
        results |= _sent(said, template, {email: mails[email] for email in allowed})
    return [results[email] for email in emails]


def _with_products(tenant: str, data: Mapping[str, Any], language: str) -> dict[str, Any]:
    try:
        return {
            name: words.offered(tenant, value, language) if name in PRODUCTS and value else value
            for name, value in data.items()
        }
    except words.ProductRefused as error:
        raise content.NotReady("The test cannot be sent; see details.", [Detail("data", error.message)]) from error


def _mail(email: str, compiled: "Compiled", said: Content, data: Mapping[str, Any]) -> ses.Mail:
    values = {
        **(said.variables or {}),
        **data,
        **rendering.addresses(rendering.base_of(said), SAMPLE),
        **rendering.frame(said),
    }
    try:
        return ses.Mail(email, compiled.render({"email": email, **values}), headers={}, tags={"test": "1"})
    except TemplateError as error:
        raise content.NotReady("The template fails with this data.", [Detail("data", error.message)]) from error


def _blocked(tenant: str, emails: Sequence[str], now: datetime) -> dict[str, str]:
    """Why which of these addresses must not be written to. The others become contacts, with this request as the record
    of their consent; read after that was written, so that an opt-out at the same moment counts."""
    suppressed = suppressions.many(tenant, emails)
    blocked = {
        email: f"suppressed:{suppressed[addresses.claim(email)].reason}"
        for email in emails
        if addresses.claim(email) in suppressed
    }
    named = [NewContact(email=email) for email in emails if email not in blocked]
    people = {addresses.claim(one.email or ""): one for one in batch.upsert_by_email(tenant, named, now=now)}
    for email in emails:
        person = people.get(addresses.claim(email))
        if email not in blocked:
            reason = consent.may_market(person, "email", None) if person else "no_address"
            blocked |= {email: reason} if reason else {}
    return blocked


def _sent(said: Content, template: ses.Template, mails: Mapping[str, ses.Mail]) -> dict[str, TestResult]:
    result = ses.send(
        rendering.sender(said), said.reply_to, template, list(mails.values()),
        configuration_set=said.configuration_set, tenant=said.provider_tenant,
    )  # fmt: skip
    if result.state != CallState.ANSWERED:
        raise Unavailable(f"The provider did not take the test mail: {result.reason}. Check the sender and try again.")
    return {
        email: TestResult(
            email=email, sent=entry.fate == Fate.ACCEPTED, reason=entry.reason, message_id=entry.message_id
        )
        for email, entry in zip(mails, result.entries, strict=True)
    }
