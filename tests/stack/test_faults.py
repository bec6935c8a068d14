"""Sends while the provider misbehaves: nobody gets a mail twice, nobody gets none, and the numbers are the truth."""

from infra.local.stack import Stack
from tests.stack.company import Company
from tests.stack.provider import Provider
from tests.stack.storm import agreed, people, weathered


def test_faults_of_every_kind_and_tripled_shuffled_late_events(
    stack: Stack, shop: Company, mail_provider: Provider
) -> None:
    weathered(stack, shop, mail_provider, name="storm", many=150, seed=1, proxied=False)


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
