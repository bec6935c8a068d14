"""Two look after the same identity or name at once: what one of them has read is not true any more when it writes."""

from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock
from drumbeat.accounts.model import Tenant
from drumbeat.deliverability import claims, identities, model, reputation, steering, tracking
from drumbeat.deliverability.claims import Claim, DomainTaken
from drumbeat.deliverability.hygiene import walking
from drumbeat.deliverability.hygiene.model import Report
from drumbeat.deliverability.identities import BeingDeleted
from drumbeat.deliverability.model import Identity
from drumbeat.deliverability.reputation import SendFigures
from drumbeat.deliverability.steering import NotPaused
from drumbeat.deliverability.views import Resumption, WarmUpChange
from drumbeat.errors import Conflict

from tests.meanwhile import appeared, changed, quicker, stored, vanished
from tests.world import World

TENANT, NAME = "ten_acme", "storm.example"


def identity(**more: Any) -> Identity:
    made = model.id_of(TENANT, NAME)
    row = Identity(
        *Identity.key(TENANT, made), gsi1pk=Identity.partition(TENANT), gsi1sk=NAME, tenant=TENANT, identity_id=made,
        name=NAME, configuration_set=model.set_name(made), created_at=clock.business(), **more,
    )  # fmt: skip
    row.create()
    return row


def critical() -> Any:
    now = clock.business()
    made = model.id_of(TENANT, NAME)
    reputation.record(TENANT, made, "snd_1", "cmp_1", now, None, now, {"accepted": 1000, "bounced": 500})
    return reputation.figure(TENANT, made, now)


def claim(**more: Any) -> Claim:
    row = Claim(*Claim.key("sending", NAME), name=NAME, tenant=TENANT, since=clock.business(), **more)
    row.create()
    return row


def test_a_name_that_two_take_over_at_once_is_ones(world: World) -> None:
    row = claim(held=False)

    theirs: dict[str, Any] = {"tenant": "ten_other", "held": True}
    with quicker((row.pk, row.sk), changed, operation="UpdateItem", **theirs), pytest.raises(DomainTaken):
        claims.take("sending", NAME, "ten_globex", clock.business())

    assert (stored((row.pk, row.sk)) or {})["tenant"] == "ten_other"


def test_a_name_that_two_take_first_at_once_is_ones(world: World) -> None:
    first = Claim(*Claim.key("sending", NAME), name=NAME, tenant="ten_other", since=clock.business())

    with quicker((first.pk, first.sk), appeared, first), pytest.raises(DomainTaken):
        claims.take("sending", NAME, TENANT, clock.business())


def test_a_proof_that_comes_when_the_name_is_somebody_elses_proves_nothing(world: World) -> None:
    row = claim()

    with quicker((row.pk, row.sk), changed, tenant="ten_other"):
        assert not claims.verified(row, clock.business())

    assert "verified_at" not in (stored((row.pk, row.sk)) or {})


def test_only_its_tenant_gives_a_name_up(world: World) -> None:
    row = claim(verified_at=clock.business())

    claims.release("sending", NAME, "ten_globex")

    assert (stored((row.pk, row.sk)) or {})["held"] is True


@pytest.mark.parametrize("before", [None, timedelta(hours=-1)])
def test_what_a_person_has_just_answered_for_is_not_paused(world: World, before: timedelta | None) -> None:
    """Also when an earlier answer had run out."""
    now = clock.business()
    row = identity(level="critical", **({} if before is None else {"override_until": now + before}))

    with quicker((row.pk, row.sk), changed, override_until=now + timedelta(hours=2)):
        assert not steering.judge(row, critical(), now)


def test_an_identity_that_is_added_again_is_the_stored_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it is in SES is looked after in any case."""
    row = identity(created_by="ann")
    monkeypatch.setattr(identities, "_provided", lambda *_: None)

    assert identities.add(TENANT, NAME, None, "ben", clock.business()).created_by == row.created_by


def test_an_identity_that_is_gone_is_not_paused(world: World) -> None:
    row = identity(level="critical")
    figure = critical()
    vanished((row.pk, row.sk))

    with pytest.raises(Identity.DoesNotExist):
        steering.judge(row, figure, clock.business())

    assert stored((row.pk, row.sk)) is None


def test_a_pause_is_told_once(world: World) -> None:
    row = identity(level="critical")
    figure = critical()

    with quicker((row.pk, row.sk), changed, sending="paused", paused_at="2026-01-01T00:00:00.000Z"):
        assert steering.judge(row, figure, clock.business())

    assert (stored((row.pk, row.sk)) or {})["paused_at"] == "2026-01-01T00:00:00.000Z"


def test_an_identity_that_another_resumed_meanwhile_is_resumed_once(world: World) -> None:
    row = identity(sending="paused")
    figure = reputation.figure(TENANT, row.identity_id, clock.business())

    with quicker((row.pk, row.sk), changed, sending="active"), pytest.raises(NotPaused):
        steering.resume(row, Resumption(), figure, "ann", clock.business())


def test_two_changes_of_a_warm_up_at_once_are_not_mixed(world: World) -> None:
    row = identity()

    with quicker((row.pk, row.sk), changed, level="ok"), pytest.raises(Conflict):
        steering.warm(row, WarmUpChange(action="start", target=1000), clock.business())


def test_an_identity_that_is_being_deleted_stays_so(world: World) -> None:
    row = identity()

    with quicker((row.pk, row.sk), changed, state="deleting"), pytest.raises(BeingDeleted):
        identities._kept(row, None, None, clock.business())

    assert (stored((row.pk, row.sk)) or {})["state"] == "deleting"


def test_a_later_roll_up_of_a_send_stays(world: World) -> None:
    now = clock.business()
    for as_of, accepted in ((now, 20), (now - timedelta(minutes=1), 10)):
        reputation.record(TENANT, "sid_1", "snd_1", "cmp_1", now, None, as_of, {"accepted": accepted})

    (row,) = reputation.rows(TENANT, "sid_1", now)
    assert row.sent == 20
    reputation.record(TENANT, "sid_1", "snd_1", "cmp_1", now, None, now, {"accepted": 30})
    (row,) = reputation.rows(TENANT, "sid_1", now)
    assert isinstance(row, SendFigures) and row.sent == 30


def test_a_tracking_domain_leaves_a_setting_that_was_changed_at_once(world: World) -> None:
    key = Tenant.key(TENANT)
    before = (stored(key) or {})["settings"]

    with quicker(key, changed, settings=before.replace('"USD"', '"BDT"')):
        tracking._keep(TENANT, "links.example", None)

    assert '"BDT"' in (stored(key) or {})["settings"]


def test_a_report_that_is_made_twice_at_once_is_one(world: World) -> None:
    now = clock.business()
    first = Report(
        *Report.key(TENANT, "hyg_1"), gsi1pk=Report.partition(TENANT), gsi1sk="hyg_1", report_id="hyg_1",
        state="done", inactive_days=7, total=0, created_at=now, seen_at=now, ttl=1,
    )  # fmt: skip

    with quicker((first.pk, first.sk), appeared, first):
        told = walking.start(TENANT, "hyg_1", 90, now)

    assert told.inactive_days == 7
