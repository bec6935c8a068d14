"""Provider accounts: what they may send is known before anything is cut to their rate."""

from drumbeat.sends import senders
from drumbeat.sends.model import Send

from tests.unit.campaigns.conftest import Shop
from tests.unit.campaigns.conftest import mails as mails
from tests.unit.campaigns.conftest import shop as shop


def test_an_account_that_was_never_asked_is_asked(shop: Shop) -> None:
    """Whoever made its row died, or SES did not answer: at the sandbox's rate chunks would have one mail each."""
    shop.contact("rina@mail.example")
    senders.made(senders.OWN)

    sent = shop.launch(shop.campaign())

    send = Send.fetch(*Send.key("ten_acme", sent["send_id"]))
    assert send is not None and send.chunk_size == 50
    assert senders.get().checked_at is not None
