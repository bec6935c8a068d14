"""Tests: the campaign as it would be sent, to addresses of the caller's, with values of the caller's. Not counted; but
a test is a message, too: who was suppressed or has opted out gets none, and the others' consent is recorded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from drumbeat import channels, providers
from drumbeat.campaigns import content, words
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.views import TestMail
from drumbeat.channels import Call, Message, Template
from drumbeat.channels.outcomes import CallState, Fate
from drumbeat.contacts import addresses, batch, consent, suppressions
from drumbeat.contacts import model as contacts
from drumbeat.contacts.views import NewContact
from drumbeat.errors import Detail, Invalid, Unavailable
from drumbeat.feedback.tracking import SAMPLE
from drumbeat.fields import View
from drumbeat.sends import environment, rendering
from drumbeat.sends.model import Content
from drumbeat.templates.limits import TemplateError

if TYPE_CHECKING:
    from drumbeat.templates.engine import Compiled


# Names of test data under which products may be named.
PRODUCTS = frozenset({"products", "personalized_products"})
# Which field of the request has a channel's addresses; what has no such addresses is tried by sending it.
FIELDS = {"email": "emails", "sms": "phones"}


class TestResult(View):
    """What the provider said about one test, or (`suppressed:<reason>`, `revoked`) why it was not asked. It has the
    address that it went to: `email` or `phone`."""

    __test__ = False
    email: str | None = None
    phone: str | None = None
    sent: bool
    reason: str | None
    message_id: str | None


def send(campaign: Campaign, asked: TestMail, now: datetime) -> list[TestResult]:
    """Send a test, in a language, to each address. Products in the data may be ids or skus. Raises Invalid, NotReady,
    RestoredCopy, or Unavailable when the provider cannot be reached or refuses."""
    environment.require_home()
    named = _addresses(campaign, asked)
    said = content.build(campaign, f"test-{campaign.campaign_id}", asked.language)
    data = _with_products(campaign.tenant, asked.data, said.words or "")
    said.track_opens = said.track_clicks = False
    compiled = content.checked(said)
    messages = {address: _message(campaign.channel, address, compiled, said, data) for address in named}
    blocked = _blocked(campaign, named, now)
    results = {address: _result(campaign, address, reason=reason) for address, reason in blocked.items()}
    allowed = {address: message for address, message in messages.items() if address not in blocked}
    if allowed:
        results |= _sent(campaign, said, _template(compiled), allowed)
    return [results[address] for address in named]


def _addresses(campaign: Campaign, asked: TestMail) -> list[str]:
    """Where the tests go. Raises Invalid for addresses of another channel."""
    wanted = FIELDS.get(campaign.channel)
    if wanted is None:
        raise Invalid.field("emails", f"campaigns of the channel {campaign.channel} have no tests; preview them")
    foreign = next((field for field in FIELDS.values() if field != wanted and getattr(asked, field)), None)
    if foreign:
        raise Invalid.field(foreign, f"this campaign is one of {campaign.channel}: name {wanted}")
    if not getattr(asked, wanted):
        raise Invalid.field(wanted, "name at least one")
    if campaign.channel == "email":
        return list(asked.emails)
    try:
        return [contacts.dialled(campaign.tenant, phone, None) for phone in asked.phones]
    except Invalid as error:
        raise Invalid.field("phones", error.details[0].message) from error


def _template(compiled: "Compiled") -> Template:
    return Template(compiled.subject and f"[Test] {compiled.subject}", compiled.html, compiled.text)


def _with_products(tenant: str, data: Mapping[str, Any], language: str) -> dict[str, Any]:
    try:
        return {
            name: words.offered(tenant, value, language) if name in PRODUCTS and value else value
            for name, value in data.items()
        }
    except words.ProductRefused as error:
        raise content.NotReady("The test cannot be sent; see details.", [Detail("data", error.message)]) from error


def _message(channel: str, address: str, compiled: "Compiled", said: Content, data: Mapping[str, Any]) -> Message:
    values = {
        **(said.variables or {}),
        **data,
        **rendering.addresses(rendering.base_of(said), SAMPLE),
        **rendering.frame(said),
    }
    try:
        fragments = compiled.render({channels.get(channel).address_name: address, **values})
    except TemplateError as error:
        raise content.NotReady("The template fails with this data.", [Detail("data", error.message)]) from error
    return Message(address, fragments, headers={}, tags={"test": "1"})


def _blocked(campaign: Campaign, named: Sequence[str], now: datetime) -> dict[str, str]:
    """Why which of these addresses must not be written to. The others become contacts, with this request as the record
    of their consent; read after that was written, so that an opt-out at the same moment counts."""
    tenant, channel = campaign.tenant, channels.get(campaign.channel)
    suppressed = suppressions.many(tenant, named)
    blocked = {
        address: f"suppressed:{suppressed[addresses.claim(address)].reason}"
        for address in named
        if addresses.claim(address) in suppressed
    }
    written = ({channel.address_name: address} for address in named if address not in blocked)
    new = [NewContact.model_validate(one) for one in written]
    found = batch.upsert_named(tenant, new, now=now, channel=channel.name)
    people = {addresses.claim(channel.address(one) or ""): one for one in found}
    for address in named:
        person = people.get(addresses.claim(address))
        if address not in blocked:
            reason = consent.may_market(person, channel.name, None) if person else "no_address"
            blocked |= {address: reason} if reason else {}
    return blocked


def _sent(
    campaign: Campaign, said: Content, template: Template, messages: Mapping[str, Message]
) -> dict[str, TestResult]:
    """As many calls as the provider needs; each is made once."""
    account, _ = providers.chosen(campaign.tenant, campaign.channel)
    provider = channels.provider(account.channel, account.provider)
    results, left = dict[str, TestResult](), list(messages.values())
    while left:
        call = Call(
            account, rendering.sender(said), template, left, said.reply_to, said.said or {}, said.route
        )  # fmt: skip
        fits = provider.fitting(call)
        now, left = left[:fits], left[fits:]
        answer = provider.send(replace(call, messages=now))
        if answer.state != CallState.ANSWERED:
            raise Unavailable(f"The provider did not take the test: {answer.reason}. Check the sender and try again.")
        for message, entry in zip(now, answer.entries, strict=True):
            sent = entry.fate == Fate.ACCEPTED
            results[message.to] = _result(campaign, message.to, sent, entry.reason, entry.message_id)
    return results


def _result(
    campaign: Campaign, address: str, sent: bool = False, reason: str | None = None, message_id: str | None = None
) -> TestResult:
    where = {channels.get(campaign.channel).address_name: address}
    return TestResult(**where, sent=sent, reason=reason, message_id=message_id)
