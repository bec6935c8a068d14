"""Test mails: the campaign as it would be sent, to addresses of the caller's, with values of the caller's. Not
counted."""

from collections.abc import Mapping, Sequence
from typing import Any

from drumbeat.campaigns import content
from drumbeat.campaigns.model import Campaign
from drumbeat.channels import ses
from drumbeat.channels.outcomes import CallState, Fate
from drumbeat.errors import Detail, Unavailable
from drumbeat.fields import View
from drumbeat.sends import rendering
from drumbeat.templates.limits import TemplateError

# Stands where a message's token would be: its unsubscribe page says that this was a test.
SAMPLE = "test"


class TestResult(View):
    """What the provider said about one test mail."""

    __test__ = False
    email: str
    sent: bool
    reason: str | None
    message_id: str | None


def send(campaign: Campaign, emails: Sequence[str], data: Mapping[str, Any]) -> list[TestResult]:
    """Send a test to each address. Raises NotReady, or Unavailable when the provider cannot be reached or refuses."""
    said = content.build(campaign, f"test-{campaign.campaign_id}")
    said.track_opens = said.track_clicks = False
    compiled = content.checked(said)
    values = {
        **(said.variables or {}),
        **data,
        **rendering.addresses(rendering.public_url(), SAMPLE),
        **rendering.frame(said),
    }
    template = ses.Template(f"[Test] {compiled.subject}", compiled.html, compiled.text)
    try:
        mails = [
            ses.Mail(email, compiled.render({"email": email, **values}), headers={}, tags={"test": "1"})
            for email in emails
        ]
    except TemplateError as error:
        raise content.NotReady("The template fails with this data.", [Detail("data", error.message)]) from error
    result = ses.send(rendering.sender(said), said.reply_to, template, mails)
    if result.state != CallState.ANSWERED:
        raise Unavailable(f"The provider did not take the test mail: {result.reason}. Check the sender and try again.")
    return [
        TestResult(email=email, sent=entry.fate == Fate.ACCEPTED, reason=entry.reason, message_id=entry.message_id)
        for email, entry in zip(emails, result.entries, strict=True)
    ]
