"""Provider accounts: what they may send is known before anything is cut to their rate."""

from datetime import timedelta

from drumbeat import clock
from drumbeat.sends import senders
from drumbeat.sends.model import Send
from drumbeat.sends.senders import Sender

from tests.clocks import Time, moved
from tests.twilio import account, twilio
from tests.unit.campaigns.conftest import Shop
from tests.unit.campaigns.conftest import mails as mails
from tests.unit.campaigns.conftest import shop as shop
from tests.unit.feedback.test_twilio_reports import campaign, contact
from tests.world import World


def test_an_account_that_was_never_asked_is_asked(shop: Shop) -> None:
    """Whoever made its row died, or SES did not answer: at the sandbox's rate chunks would have one mail each."""
    shop.contact("rina@mail.example")
    senders.made(senders.OWN)

    sent = shop.launch(shop.campaign())

    send = Send.fetch(*Send.key("ten_acme", sent["send_id"]))
    assert send is not None and send.chunk_size == 50
    assert senders.get().checked_at is not None


def test_a_daily_limit_that_no_provider_counts_is_counted_here(world: World) -> None:
    """However often the account is asked: what was sent today counts until tomorrow."""
    time = Time()
    with moved(time), twilio() as there:
        made = account(world, per_day=2)["id"]
        for number in range(3):
            contact(world, f"+880171234567{number}")
        campaign(world)
        for _ in range(3):
            time.passes(timedelta(minutes=5))
            world.run("sends.sweep_sends", {})
            world.settle()
        row = Sender.fetch(*Sender.key(made))
        assert len(there.sent) == 2
        assert row is not None and senders.left_today(row, clock.wall()) == 0

        time.passes(timedelta(hours=20))
        world.run("sends.sweep_sends", {})
        world.settle()
        assert len(there.sent) == 3
