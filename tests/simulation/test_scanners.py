"""Programs that check mails fetch every link in them, and nobody is unsubscribed by that."""

import random
from collections.abc import Callable

import pytest
from drumbeat.contacts.model import Contact

from tests.sends import Sent, sent
from tests.simulation.broken import get_unsubscribe
from tests.simulation.conftest import Memory

PEOPLE = 12
SCANNER = {"User-Agent": "Mozilla/5.0 (compatible; MailScanner)"}


def scanned(memory: Memory, send: Sent, unsubscribe: Callable[[str], object], seed: int) -> list[str]:
    """Fetch all links of all mails in any order; gives what that changed."""
    visits: dict[str, Callable[[str], object]] = {
        "unsubscribe": unsubscribe,
        "preferences": lambda token: _get(memory, "show_preferences", token=token),
        "pixel": lambda token: _get(memory, "record_open", token=token),
        "link": lambda token: _get(memory, "follow_link", token=token, link="1"),
    }
    pairs = [(name, send.token(number)) for name in visits for number in range(PEOPLE)]
    random.Random(seed).shuffle(pairs)
    for name, token in pairs:
        visits[name](token)
    memory.settle()
    people = Contact.many((person.pk, person.sk) for person in send.people[0])
    changed = [person.contact_id for person in people if person.consent["email"]["status"] != "granted"]
    return [*changed, *map(str, send.stats().get("unsubscribed", ()))]


def _get(memory: Memory, function: str, **path: str) -> None:
    assert memory.ask(f"tracking.{function}", path=path, headers=SCANNER).status < 400


@pytest.mark.parametrize("seed", [1, 2])
def test_fetching_every_link_unsubscribes_nobody(memory: Memory, seed: int) -> None:
    visit = lambda token: _get(memory, "show_unsubscribe", token=token)  # noqa: E731
    assert scanned(memory, sent(sizes=(PEOPLE,)), visit, seed) == []


def test_the_same_check_catches_an_unsubscribe_by_get(memory: Memory) -> None:
    assert len(scanned(memory, sent(sizes=(PEOPLE,)), get_unsubscribe.visit, seed=1)) == 2 * PEOPLE
