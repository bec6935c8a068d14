"""The pages behind the link of a confirmation mail. Looking changes nothing; what the buttons do is posted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from drumbeat.contacts.opt_in.confirming import Link, Standing
from drumbeat.feedback.pages import MARK, Reader, page, reader

# What an expired link's button asks for.
AGAIN = "again"
_ROLES: dict[Standing, str] = {"confirmed": "confirmed", "over": "no_more"}


def shown(link: Link, headers: Mapping[str, str], now: datetime) -> str:
    """The page of a link as it stands."""
    to = reader(link.row.tenant, link.contact, headers)
    standing = link.standing(now)
    if standing == "open":
        return page(to, "confirm_title", _question(to, "confirm_question", "confirm", ""))
    if standing == "expired":
        return page(to, "late_title", _question(to, "late", "send_again", AGAIN))
    return _said(to, _ROLES[standing])


def asked_again(link: Link, headers: Mapping[str, str], outcome: Literal["sent_again", "wait", "no_more"]) -> str:
    """The page after somebody asked for a new link."""
    return _said(reader(link.row.tenant, link.contact, headers), outcome)


def _question(to: Reader, question: str, button: str, wish: str) -> str:
    wished = f'<input type="hidden" name="{wish}" value="1">' if wish else ""
    return (
        f"<p>{to.says(question)}</p>"
        f'<form method="post"><input type="hidden" name="{MARK}" value="1">{wished}'
        f'<button type="submit">{to.says(button)}</button></form>'
    )


def _said(to: Reader, name: str) -> str:
    return page(to, f"{name}_title", f'<p role="status">{to.says(name)}</p>')
