"""What a template looks like as a mail: the engine of sends, a contact's or made-up values, and sample addresses."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.sends import rendering
from drumbeat.templates import checks, safety
from drumbeat.templates.limits import TemplateError
from drumbeat.templates.views import DraftPreviewRequest, MailPreviewRequest, MailPreviewView

READS = (Contact, Tenant)
# No send issues this token, so that following a sample link records nothing.
SAMPLE = "preview"
NO_ADDRESS = "(Set postal_address in the settings: every marketing mail must show it.)"


def draft(tenant: str, asked: DraftPreviewRequest, now: datetime) -> MailPreviewView:
    """A template that is not saved, as it would arrive. Raises Invalid (part and line) and NotFound. Reads `READS`."""
    own = settings.of(tenant)
    template = checks.compiled(asked.subject, asked.html, asked.text, asked.language or own.language)
    reserved = {
        **rendering.addresses(rendering.public_url(), SAMPLE),
        "postal_address": own.postal_address or NO_ADDRESS,
        "now": now,
        "timezone": own.time_zone,
        "currency": own.currency,
    }
    try:
        shown = template.preview({**_recipient(tenant, asked), **reserved})
        safety.check_rendered(shown.html)
    except TemplateError as error:
        raise checks.refusal(error) from error
    findings = checks.findings(template, (*asked.variables, *asked.data))
    return MailPreviewView(subject=shown.subject, html=shown.html, text=shown.text, findings=findings)


def _recipient(tenant: str, asked: MailPreviewRequest) -> Mapping[str, Any]:
    """The values of a contact, and those of the request in front of them."""
    contact = None if asked.contact_id is None else contacts.get(tenant, asked.contact_id)
    return {**({} if contact is None else rendering.personal(contact)), **asked.data}
