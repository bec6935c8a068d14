"""Mail the link by which a person confirms what it asked on the preference page."""

from drumbeat.accounts.model import Tenant
from drumbeat.contacts.model import Contact
from drumbeat.contacts.suppressions import Suppression
from drumbeat.privacy import asking
from drumbeat.privacy.asking import LetterMessage
from drumbeat.privacy.model import LETTERS, PrivacyLink
from drumbeat.queue import queue


@queue(LETTERS, reads=(Contact, Suppression, Tenant), writes=(PrivacyLink,), calls=("ses:SendEmail",), timeout=30)
def handler(message: LetterMessage) -> None:
    """Nothing is sent to a contact that is gone, to an address that bounces, or within five minutes of the last one."""
    asking.mail(message)
