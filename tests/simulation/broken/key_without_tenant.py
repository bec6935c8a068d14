"""Broken on purpose: suppressions are kept by address alone, so one tenant's stop the other tenant's mails."""

from collections.abc import Iterator
from contextlib import contextmanager

from drumbeat.contacts import addresses
from drumbeat.contacts.suppressions import Suppression

from tests.simulation.edge import instead


def _key(tenant: str, address: str) -> tuple[str, str]:
    return f"SUPPRESSION#{addresses.claim(address)}", "SUPPRESSION"


@contextmanager
def broken() -> Iterator[None]:
    """The product has it inside of the block."""
    with instead(Suppression, key=staticmethod(_key)):
        yield
