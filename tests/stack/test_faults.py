"""Sends while the provider misbehaves: nobody gets a mail twice, nobody gets none, and the numbers are the truth."""

from typing import Any

from tests.stack.company import Company, until
from tests.stack.provider import Provider

OUTCOMES = ("bounce", "softbounce", "complaint")


def people(name: str, many: int) -> list[str]:
    """Addresses; every tenth one bounces for good, for now, or complains."""
    kinds = {number: OUTCOMES[number // 10 % 3] for number in range(0, many, 10)}
    return [f"{kinds.get(number, 'customer')}-{name}-{number}@people.example.com" for number in range(many)]


def agreed(shop: Company, provider: Provider, campaign: str, send: str, everyone: list[str]) -> Any:
    """Wait until our counters say what the simulator knows; gives them."""
    until("events that the provider holds back", provider.pending, lambda pending: pending == 0)
    truth = provider.truth(send)
    assert truth["duplicate_addresses"] == []
    assert truth["addresses"]["accepted"] == sorted(everyone)
    wanted = {
        "sent": truth["accepted"],
        "delivered": truth["delivered_recipients"],
        "bounced": truth["bounced_recipients"],
        "complained": truth["complained_recipients"],
    }

    def ours() -> dict[str, int]:
        found = shop.results(campaign)
        return {name: found[name] for name in wanted}

    until(f"our counters should be {wanted}", ours, lambda found: found == wanted)
    return shop.results(campaign)


def test_faults_of_every_kind_and_doubled_shuffled_events(shop: Company, mail_provider: Provider) -> None:
    everyone = people("storm", 150)
    # Longer than any event takes: what was accepted is proven by its events, never sent again.
    shop.patch("/v1/settings", {"grace_seconds": 7200, "unknown_policy": "after_grace"})
    mail_provider.script({"match": "-storm-", "duplicate": 2, "reorder": True})
    mail_provider.fail(
        {"kind": "500_accepted", "count": 1},
        {"kind": "429", "count": 1},
        {"kind": "partial", "count": 1},
        {"kind": "reset_accepted", "count": 1},
    )

    campaign = shop.campaign("Storm")
    send = shop.send(campaign, everyone)
    shop.closed(campaign, 150)

    assert mail_provider.struck() == {"500_accepted": 1, "429": 1, "partial": 1, "reset_accepted": 1}
    found = agreed(shop, mail_provider, campaign, send, everyone)
    assert (found["recipients"], found["not_sent"]) == (150, 0)
    shop.finished(campaign)


def test_what_was_never_accepted_is_sent_again_after_the_grace(shop: Company, mail_provider: Provider) -> None:
    everyone = people("calm", 60)
    shop.patch("/v1/settings", {"grace_seconds": 120, "unknown_policy": "after_grace"})
    mail_provider.fail({"kind": "500", "count": 1}, {"kind": "reset", "count": 1})

    campaign = shop.campaign("Calm")
    send = shop.send(campaign, everyone)
    shop.closed(campaign, 60)

    assert mail_provider.struck() == {"500": 1, "reset": 1}
    agreed(shop, mail_provider, campaign, send, everyone)


def test_with_the_policy_never_a_doubtful_mail_is_given_up_and_shown(shop: Company, mail_provider: Provider) -> None:
    everyone = [f"customer-silent-{number}@people.example.com" for number in range(10)]
    shop.patch("/v1/settings", {"grace_seconds": 120, "unknown_policy": "never"})
    mail_provider.script({"match": "-silent-", "lose": True})
    mail_provider.fail({"kind": "500_accepted", "count": 1})

    campaign = shop.campaign("Silence")
    send = shop.send(campaign, everyone)
    found = shop.closed(campaign, 10)

    truth = mail_provider.truth(send)
    assert (truth["accepted"], truth["duplicates"]) == (10, 0)
    assert found["not_sent_by_reason"] == {"outcome_unknown": 10}
    rows = shop.all(f"/v1/campaigns/{campaign}/recipients", reason="outcome_unknown")
    assert sorted(row["email"] for row in rows) == sorted(everyone)
