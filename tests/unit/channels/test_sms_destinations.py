"""What a number tells of its country and carrier, and what a part to it costs."""

from decimal import Decimal
from typing import Any

import phonenumbers
import pytest
from drumbeat.accounts.settings import SettingsChange
from drumbeat.channels.sms import destinations, prices
from drumbeat.channels.sms.destinations import Destination
from drumbeat.channels.sms.prices import Route, SmsPrice
from drumbeat.sends import destinations as sends_destinations
from phonenumbers import carrier
from pydantic import ValidationError

PRICES = (
    SmsPrice(country="BD", carrier="Grameenphone", price=0.35),
    SmsPrice(country="BD", price=0.5),
    SmsPrice(country="US", price=0.0079),
    SmsPrice(price=1.25),
)


@pytest.mark.parametrize("prefix", sorted(destinations.BANGLADESH))
def test_carriers_of_bangladesh_are_those_of_the_public_metadata(prefix: str) -> None:
    number = f"+880{prefix}12345678"
    told = carrier.name_for_number(phonenumbers.parse(number), "en")
    assert destinations.of(number) == Destination("BD", destinations.BANGLADESH[prefix])
    assert told.casefold() == destinations.BANGLADESH[prefix].casefold()


def test_other_countries_are_those_of_the_metadata() -> None:
    assert destinations.of("+33612345678") == Destination("FR", "SFR")
    assert destinations.of("+12025550123") == Destination("US", "unknown")
    assert destinations.of("+8801212345678") == Destination("BD", "unknown")
    assert destinations.of("+99999999999999") == Destination("unknown", "unknown")


@pytest.mark.parametrize(
    ("destination", "price"),
    [
        (Destination("BD", "grameenphone"), "0.35"),
        (Destination("BD", "Robi"), "0.5"),
        (Destination("US", "unknown"), "0.0079"),
        (Destination("DE", "Telekom"), "1.25"),
    ],
)
def test_the_nearest_price_counts(destination: Destination, price: str) -> None:
    assert prices.of(PRICES, destination) == Decimal(price)
    assert prices.of((), destination) is None


def test_parts_of_a_cent_add_up_before_they_are_rounded() -> None:
    assert sends_destinations.minor(1000 * 7_900 + 3 * 350_000, "USD") == 790 + 105
    assert sends_destinations.minor(7_900, "USD") == 1
    assert sends_destinations.minor(64 * 7_900, "JPY") == 1


LOCAL = Route("pac_local", (SmsPrice(country="BD", price=0.3),))
GLOBAL = Route("pac_global", (SmsPrice(country="BD", carrier="Robi", price=0.2), SmsPrice(price=2)))
USUAL = Route("pac_usual")


@pytest.mark.parametrize(
    ("destination", "preferred", "account"),
    [
        (Destination("BD", "Grameenphone"), None, "pac_local"),
        (Destination("BD", "Robi"), None, "pac_global"),
        (Destination("US", "unknown"), None, "pac_usual"),
        (Destination("BD", "Robi"), "pac_local", "pac_local"),
        # What the preferred one does not serve goes over the cheapest of the others.
        (Destination("US", "unknown"), "pac_local", "pac_usual"),
        (Destination("BD", "Robi"), "pac_nobodys", "pac_global"),
    ],
)
def test_the_preferred_account_that_serves_a_number_carries_it_else_the_cheapest(
    destination: Destination, preferred: str | None, account: str
) -> None:
    assert prices.cheapest((USUAL, LOCAL, GLOBAL), PRICES, destination, preferred).account == account
    assert prices.cheapest((LOCAL,), PRICES, destination, preferred).account == "pac_local"


@pytest.mark.parametrize(
    "table",
    [
        [{"country": "BD", "price": 1}, {"country": "bd", "price": 2}],
        [{"carrier": "Robi", "price": 1}],
        [{"country": "BD", "price": -1}],
    ],
)
def test_a_table_that_says_two_things_is_refused(table: list[dict[str, object]]) -> None:
    with pytest.raises(ValidationError):
        SettingsChange.model_validate({"sms_prices": table})


@pytest.mark.parametrize("sender", ["GetIt", "GetIt 24", "16263", "+8801712345678", "7-Eleven"])
def test_who_text_messages_are_from(sender: str) -> None:
    assert SettingsChange.model_validate({"sms_sender_id": sender}).sms_sender_id == sender


@pytest.mark.parametrize("sender", ["GetIt Bangladesh", "12", "123456789", "গেটইট", "01712345678", "+880 17", ""])
def test_what_no_operator_shows_as_a_sender_is_refused(sender: str) -> None:
    with pytest.raises(ValidationError):
        SettingsChange.model_validate({"sms_sender_id": sender})


def test_prices_are_read_once_for_all_recipients_of_a_send_and_anew_for_another() -> None:
    first: dict[str, Any] = {"prices": {"currency": "BDT"}}
    second: dict[str, Any] = {"prices": {"currency": "EUR"}}
    terms = sends_destinations.of_launch(first)
    assert sends_destinations.of_launch(first) is terms and terms.currency == "BDT"
    assert sends_destinations.of_launch(second).currency == "EUR"
    assert sends_destinations.of_launch(first).currency == "BDT"
    assert sends_destinations.of_launch(None).currency == "USD"
