"""A campaign on the deployed stack while everything around it fails: the database, the queues, the machines, the
provider, and what the provider tells of its mails."""

from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

from infra.local.fault_proxy import pointed
from infra.local.stack import Stack
from tests.stack.company import PATIENCE, Company, until
from tests.stack.provider import Provider

OUTCOMES = ("bounce", "softbounce", "complaint")
# Who carries a send, from its plan to its numbers.
CARRIERS = (
    "sends.plan_chunks", "sends.govern_account", "sends.deliver_chunk", "feedback.apply_feedback",
    "campaigns.roll_up_send",
)  # fmt: skip
OF_REQUESTS = (
    {"kind": "throttled", "service": "dynamodb", "rate": 0.03},
    {"kind": "request_lost", "rate": 0.02},
    {"kind": "reply_lost", "rate": 0.03},
    {"kind": "conflict", "service": "dynamodb", "rate": 0.05},
)
OF_CALLS: dict[str, dict[str, Any]] = {
    "500_accepted": {},
    "429": {"retry_after": 1},
    "partial": {"statuses": ["TRANSIENT_FAILURE", "ACCOUNT_THROTTLED"]},
    "reset_accepted": {},
}
PROXIED_PATIENCE = 1_500.0
# Longer than any event takes: what was accepted is proven by its events, never sent again.
GRACE = {"grace_seconds": 7200, "unknown_policy": "after_grace"}
EVENTS = {"duplicate": 2, "reorder": True, "late_s": 120, "late_rate": 0.1}


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


def weathered(
    stack: Stack, shop: Company, provider: Provider, *, name: str, many: int, seed: int, proxied: bool
) -> dict[str, int]:
    """Send to so many people, and check that each got it once and that the numbers are true; gives how often each kind
    of fault struck. Fails when one did not. `proxied` lets requests fail, too: a message whose worker failed then comes
    again after six real minutes, so this takes long."""
    everyone = people(name, many)
    shop.patch("/v1/settings", GRACE)
    provider.script({"match": f"-{name}-", "seed": seed, **EVENTS})
    provider.fail(*({"kind": kind, "count": 1, "seed": seed, **how} for kind, how in OF_CALLS.items()))
    campaign = shop.campaign(name)

    with ExitStack() as stacked:
        proxy = None
        if proxied:
            emulator = urlsplit(stack.endpoint).port or 0
            proxy = stacked.enter_context(pointed(stack.client("lambda"), emulator, CARRIERS))
            proxy.put(*OF_REQUESTS, seed=seed)
        send = shop.send(campaign, everyone)
        patience = PROXIED_PATIENCE if proxied else PATIENCE
        until(
            f"{many} recipients, none of them open", lambda: shop.results(campaign),
            lambda now: (now["recipients"], now["open"]) == (many, 0), patience,
        )  # fmt: skip
        found = agreed(shop, provider, campaign, send, everyone)
        assert (found["recipients"], found["not_sent"]) == (many, 0)
        struck = {**provider.struck(), **(proxy.struck() if proxy else {})}
        assert all(struck.values()), struck
        shop.finished(campaign)
    return struck
