"""Text messages to telephones: SMS, and MMS where a message has media."""

from drumbeat.channels import Addressed, Channel


def address(person: Addressed) -> str | None:
    return person.phone


CHANNEL = Channel(
    "sms", parts=("text",), address_name="phone", address=address, consent="sms", usual="twilio", paid_by_length=True
)
