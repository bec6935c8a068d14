"""E-mail."""

from drumbeat.channels import Addressed, Channel


def address(person: Addressed) -> str | None:
    return person.email


CHANNEL = Channel(
    "email", parts=("subject", "html", "text"), address_name="email", address=address, consent="email", usual="ses",
    judged=True,
)  # fmt: skip
