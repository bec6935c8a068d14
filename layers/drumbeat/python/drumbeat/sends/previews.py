"""What a template looks like as a mail: the engine of sends, a contact's or made-up values, and sample addresses."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.sends import rendering
from drumbeat.templates import addresses, blocks, bodies, checks, safety, saving
from drumbeat.templates.blocks import Block
from drumbeat.templates.bodies import Body
from drumbeat.templates.checks import Written
from drumbeat.templates.limits import TemplateError
from drumbeat.templates.model import Template
from drumbeat.templates.preview_views import DraftLint, DraftPreviewRequest, Lint, MailPreviewRequest, MailPreviewView

READS = (Contact, Tenant, Block)
# No send issues this token, so that following a sample link records nothing.
SAMPLE = "preview"
NO_ADDRESS = "(Set postal_address in the settings: every marketing mail must show it.)"
NO_SENDER = "(Set sender_name in the settings.)"


def draft(tenant: str, asked: DraftPreviewRequest, now: datetime) -> MailPreviewView:
    """A template that is not saved, as it would arrive. Raises Invalid (part and line) and NotFound. Reads `READS`."""
    written, language = _written(tenant, asked)
    try:
        body = checks.prepared(written, language)
    except TemplateError as error:
        raise checks.refusal(error) from error
    return _shown(tenant, body, language, asked.variables, asked, _contact(tenant, asked), now)


def saved(tenant: str, template: Template, asked: MailPreviewRequest, now: datetime) -> MailPreviewView:
    """A saved template in the language of the contact, or the one that is asked for. Raises Invalid, NotFound."""
    contact = _contact(tenant, asked)
    wanted = asked.language or (contact.language if contact else None)
    tag = bodies.choose(wanted, template.languages)
    language = tag or template.language
    return _shown(tenant, template.bodies[tag], language, list(template.variables), asked, contact, now)


def lint(tenant: str, asked: DraftLint) -> Lint:
    """What would embarrass the sender of a template that is not saved. Raises Invalid. Reads Tenant, Block."""
    written, language = _written(tenant, asked)
    return _linted(tenant, saving.Draft("", language, {bodies.DEFAULT: written}, list(asked.variables)))


def lint_saved(tenant: str, template: Template) -> Lint:
    """The same for a saved template, in all its languages, with its blocks as they are now. Raises Invalid."""
    parts = {tag: saving.written(body) for tag, body in template.bodies.items()}
    return _linted(tenant, saving.Draft(template.name, template.language, parts, list(template.variables)))


def _linted(tenant: str, wanted: saving.Draft) -> Lint:
    found = saving.check(tenant, wanted).findings
    return Lint(can_be_sent=all(finding.severity != "error" for finding in found), findings=found)


def _written(tenant: str, asked: DraftLint) -> tuple[Written, str]:
    written = Written(asked.subject, asked.html, asked.mjml, asked.text)
    return written, asked.language or settings.of(tenant).language


def _contact(tenant: str, asked: MailPreviewRequest) -> Contact | None:
    return None if asked.contact_id is None else contacts.get(tenant, asked.contact_id)


def _shown(
    tenant: str, body: Body, language: str, variables: list[str], asked: MailPreviewRequest, contact: Contact | None,
    now: datetime,
) -> MailPreviewView:  # fmt: skip
    own = settings.of(tenant)
    # Values of the request go before the contact's.
    data: Mapping[str, Any] = {**({} if contact is None else rendering.personal(contact)), **asked.data}
    reserved = {
        **rendering.addresses(rendering.public_url(), SAMPLE),
        "postal_address": own.postal_address or NO_ADDRESS,
        "sender_name": own.sender_name or NO_SENDER,
        "now": now,
        "timezone": own.time_zone,
        "currency": own.currency,
    }
    named, assumed = addresses.of(asked.data), checks.given(variables)
    try:
        finder = blocks.finder(tenant, language)
        template = checks.compiled(body, language, finder, lambda path: named(path) or assumed(path))
        shown = template.preview({**data, **reserved})
        safety.check_rendered(shown.html)
    except TemplateError as error:
        raise checks.refusal(error) from error
    found = checks.findings(
        template, saving.written(body), (*variables, *asked.data), language=language, rendered=shown.html
    )
    return MailPreviewView(subject=shown.subject, html=shown.html, text=shown.text, language=language, findings=found)
