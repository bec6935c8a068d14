"""Stories with a second account: the first one has an outage, or refuses the account.

The relay's mails are in the same truth as SES's. Promise 9: nobody gets a mail over both accounts, not even one whom
the policy would allow a second mail.
"""

import random
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from drumbeat import channels, providers
from drumbeat.channels import email

from tests.simulation.provider import Mail, Outage

SHARE = 0.15
NAMES = {"channels": {"email": {"account": "ses", "fallback": "relay"}}}
_RELAYS = str(Path(__file__).parent / "relays")
_MODULE = "drumbeat.channels.email.relay"


@contextmanager
def relayed() -> Iterator[None]:
    """Mail may go over the relay: its module lies where providers are looked for."""
    email.__path__.append(_RELAYS)
    _forget()
    try:
        yield
    finally:
        email.__path__.remove(_RELAYS)
        sys.modules.pop(_MODULE, None)
        _forget()


def _forget() -> None:
    channels.forget()
    providers.lookup.own.cache_clear()


def drawn(seed: int) -> dict[str, Any]:
    """Which seeds have a second account; of a source of its own, so that the others are what they were."""
    return {"fallback": random.Random(seed + 3 * 10**6).random() < SHARE}


def outages(seed: int, start: float) -> list[Outage]:
    """When the first account is out of reach, or refused."""
    chance = random.Random(seed + 4 * 10**6)
    begins = start + chance.choice((0.0, chance.uniform(20, 90), chance.uniform(20, 300)))
    return [Outage(begins, begins + chance.choice((120.0, 1800.0, 5400.0)), chance.choice(("unreached", "refused")))]


def broken(accepted: Mapping[tuple[str, str], list[Mail]]) -> Iterator[str]:
    """Promise 9."""
    for (_, who), mails in accepted.items():
        if len({mail.account for mail in mails}) > 1:
            yield f"{who} got {len(mails)} mails over two accounts"
