"""The pages on which people ask for their data: without scripts, in the frame of the other pages for recipients."""

from html import escape

from drumbeat.feedback import pages
from drumbeat.feedback.pages import MARK, Reader
from drumbeat.privacy import model
from drumbeat.privacy.asking import Followed
from drumbeat.privacy.model import PrivacyRequest


def buttons(to: Reader, action: str) -> str:
    """What the preference page has for a person's data: two buttons, each of which only has a link mailed. `action` is
    where they lead from that page."""
    forms = "".join(
        f'<form method="post" action="{escape(action)}"><input type="hidden" name="{MARK}" value="1">'
        f'<input type="hidden" name="wish" value="{wish}">'
        f'<button class="quiet" type="submit">{to.says(f"ask_{wish}")}</button></form>'
        for wish in ("data_export", "erasure")
    )
    return f"<section><h2>{to.says('your_data')}</h2><p>{to.says('your_data_intro')}</p>{forms}</section>"


def link_sent(to: Reader, token: str) -> str:
    """After one of those buttons: the same for everyone who has an address."""
    back = f'<p class="more"><a href="../{escape(token)}">{to.says("preferences_title")}</a></p>'
    if not to.address:
        return pages.page(to, "your_data", f'<p role="status">{to.says("privacy_link_sent_unknown")}</p>{back}')
    return pages.page(to, "privacy_link_sent_title", f'<p role="status">{to.says("privacy_link_sent")}</p>{back}')


def of_link(to: Reader, link: Followed) -> str:
    """The page behind a mailed link: a button, or what came of it."""
    if link.request is not None:
        return of_request(to, link.request)
    return pages.page(
        to,
        f"{link.wish}_title",
        f"<p>{to.says(f'{link.wish}_question')}</p>"
        f'<form method="post"><input type="hidden" name="{MARK}" value="1">'
        f'<button type="submit">{to.says(f"{link.wish}_button")}</button></form>',
    )


def of_request(to: Reader, row: PrivacyRequest) -> str:
    """What came of a request."""
    if row.wish == "erasure":
        return pages.page(to, "erased_title", f'<p role="status">{to.says("erased")}</p>')
    download = model.link(row)
    if download is None:
        again = f'<p class="more"><a href="">{to.says("look_again")}</a></p>'
        return pages.page(to, "data_preparing_title", f'<p role="status">{to.says("data_preparing")}</p>{again}')
    return pages.page(
        to,
        "data_ready_title",
        f'<p role="status">{to.says("data_ready")}</p>'
        f'<p class="more"><a href="{escape(download.url)}">{to.says("data_download")}</a></p>',
    )


def expired(to: Reader, token: str) -> str:
    """A link that is not ours, not this person's, used up or too old."""
    return pages.page(
        to,
        "privacy_expired_title",
        f"<p>{to.says('privacy_expired')}</p>"
        f'<p class="more"><a href="../../../p/{escape(token)}">{to.says("preferences_title")}</a></p>',
    )
