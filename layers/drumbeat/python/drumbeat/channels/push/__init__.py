"""Notifications of apps: a title and a text."""

from drumbeat.channels import Addressed, Channel


def address(person: Addressed) -> str | None:
    return person.push_token


CHANNEL = Channel(
    "push", parts=("subject", "text"), address_name="push_token", address=address, consent="push", usual="sns"
)
