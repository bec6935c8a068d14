"""What all contexts share, when two do the same at once."""

from datetime import timedelta

import pytest
from drumbeat import clock, counts, limits, replies, slugs
from drumbeat.counts import Count
from drumbeat.errors import RateLimited
from drumbeat.http import STANDARD
from drumbeat.migrations import model as migrations
from drumbeat.replies import Claim, KeyInUse, Reply
from drumbeat.slugs import Slug
from drumbeat.table import Transaction, TransactionRefused

from tests.meanwhile import changed, quicker, stored
from tests.world import World

TENANT = "ten_acme"


def test_two_requests_with_a_key_at_once_are_answered_by_one(world: World) -> None:
    """The first died; two try to go on."""
    first = replies.claim(TENANT, "k", "POST /x", b"{}")
    assert isinstance(first, Claim)
    key = first.row.pk, first.row.sk
    changed(key, lease_until=clock.wall() - timedelta(minutes=1))

    lease = clock.wall() + timedelta(minutes=1)
    with quicker(key, changed, operation="UpdateItem", lease_until=lease), pytest.raises(KeyInUse):
        replies.claim(TENANT, "k", "POST /x", b"{}")


def test_a_key_that_is_being_answered_waits(world: World) -> None:
    assert isinstance(replies.claim(TENANT, "k", "POST /x", b"{}"), Claim)

    with pytest.raises(KeyInUse):
        replies.claim(TENANT, "k", "POST /x", b"{}")

    assert Reply.TYPE == "REPLY"


def test_a_name_is_its_first_owners_and_only_they_give_it_up(world: World) -> None:
    assert slugs.claim(TENANT, "campaign", "Spring sale", "cmp_1") == "spring_sale"
    assert slugs.claim(TENANT, "campaign", "spring-sale", "cmp_2") is None

    slugs.release(TENANT, "campaign", "spring_sale", "cmp_2")

    assert (stored(Slug.key(TENANT, "campaign", "spring_sale")) or {})["target"] == "cmp_1"


def test_the_report_of_a_migration_that_comes_twice_is_the_first(world: World) -> None:
    now = clock.business()
    migrations.add(TENANT, "mig_1", [], dry_run=True, actor="first", now=now)

    assert migrations.add(TENANT, "mig_1", [], dry_run=False, actor="second", now=now).created_by == "first"


def test_a_full_window_is_full_for_every_instance(world: World) -> None:
    for _ in range(2):
        limits.take(TENANT, "key", STANDARD, 2)
    limits.forget()

    with pytest.raises(RateLimited):
        limits.take(TENANT, "key", STANDARD, 2)


@pytest.mark.parametrize("most", [0, 2])
def test_there_are_never_more_than_there_may_be(world: World, most: int) -> None:
    def made() -> None:
        transaction = Transaction()
        counts.within(transaction, TENANT, "thing", most)
        transaction.commit()

    for _ in range(most):
        made()
    with pytest.raises(TransactionRefused):
        made()

    assert (stored(Count.key(TENANT, "thing", 0)) or {"number": 0})["number"] == most
