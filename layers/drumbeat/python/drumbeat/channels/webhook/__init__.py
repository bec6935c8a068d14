"""Requests to the tenant's own systems about a contact, for whatever has no channel of its own. The text is JSON."""

from drumbeat.channels import Addressed, Channel

# What is sent where nobody has written a text. `campaign_id`, or `journey_id` and `step`, say what it belongs to.
DEFAULT_TEXT = (
    '{"type":"message","message_id":{{ message_id | json }},"contact_id":{{ contact_id | json }},'
    '"external_id":{{ external_id | json }},"campaign_id":{{ campaign_id | json }},'
    '"journey_id":{{ journey_id | json }},"step":{{ step | json }}}'
)


def address(person: Addressed) -> str | None:
    return person.contact_id


CHANNEL = Channel(
    "webhook", parts=("text",), address_name="contact_id", address=address, consent=None, usual="https", json=True,
    usual_text=DEFAULT_TEXT,
)  # fmt: skip
