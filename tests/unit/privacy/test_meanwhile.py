"""Two are at work on the same person's request at once: what one has read is not true any more when it writes."""

from datetime import timedelta

import pytest
from drumbeat import clock, ids
from drumbeat.contacts import suppressions
from drumbeat.contacts.model import Contact
from drumbeat.feedback import known, tracking
from drumbeat.privacy import asking, disclosing, erasing, model
from drumbeat.privacy.model import PrivacyLink, PrivacyRequest
from drumbeat.sends import rollups, tokens

from tests.meanwhile import appeared, changed, quicker, stored
from tests.unit.privacy.test_privacy import Reader
from tests.world import World

TENANT, ANN = "ten_acme", "ann@town.example"
PAST, FUTURE = "2020-01-01T00:00:00.000Z", "2999-01-01T00:00:00.000Z"


@pytest.fixture(autouse=True)
def _fresh() -> None:
    for module in (known, tracking, tokens, rollups):
        module.forget()


def requested(world: World, wish: str = "erasure") -> PrivacyRequest:
    """A request at which nobody is at work yet."""
    contact = world.call("contacts.create_contact", body={"email": ANN}).data["id"]
    made = world.call("privacy.create_request", body={"wish": wish, "contact_id": contact}).data["id"]
    return model.get(TENANT, made)


def test_a_request_with_which_somebody_went_on_just_now_gets_no_second_machine(world: World) -> None:
    row = requested(world)
    changed((row.pk, row.sk), gsi2sk=PAST)

    with quicker((row.pk, row.sk), changed, gsi2sk=FUTURE):
        world.run("privacy.sweep_requests")

    assert (stored((row.pk, row.sk)) or {})["runs"] == 0


@pytest.mark.parametrize("wish", ["erasure", "data_export"])
def test_a_round_that_comes_after_the_end_changes_nothing(world: World, wish: str) -> None:
    row = requested(world, wish)
    key = row.pk, row.sk
    changed(key, state="done", finished_at=clock.parse(PAST), gsi2pk=None, gsi2sk=None)
    before = stored(key)

    for _ in range(erasing.LOOKS):
        (erasing if wish == "erasure" else disclosing).advance(row)
        row.looked += 1

    assert stored(key) == before


@pytest.mark.parametrize("act", [erasing.request, disclosing.request])
def test_the_same_request_twice_at_once_is_one(world: World, act: object) -> None:
    suppressions.suppress(TENANT, ANN, "all", "complaint", None, clock.business())
    made = ids.new("prv")
    first = model.made(TENANT, "erasure", None, [ANN], request_id=made, actor="the first")
    first.state = "done"

    with quicker((first.pk, first.sk), appeared, first):
        told = act(TENANT, None, ANN, request_id=made, actor="the second")  # type: ignore[operator]

    assert told.requested_by == "the first"
    assert (stored((first.pk, first.sk)) or {})["requested_by"] == "the first"


def test_who_gets_another_address_while_being_erased_is_erased_with_it(world: World) -> None:
    contact = world.call("contacts.create_contact", body={"email": ANN}).data["id"]

    with quicker(Contact.key(TENANT, contact), changed, email="new@town.example"):
        world.call("privacy.create_request", body={"wish": "erasure", "contact_id": contact})

    found = suppressions.find(TENANT, "new@town.example")
    assert found is not None and found.reason == suppressions.ERASED


def test_a_link_that_a_newer_one_replaced_meanwhile_does_nothing(world: World) -> None:
    reader = Reader(world)
    reader.press("erasure")
    target, link = tracking.message_of(reader.token), reader.link("erasure")
    assert target is not None
    followed = asking.follow(target, link["wish"], link["code"])
    assert followed is not None

    with quicker(PrivacyLink.key(TENANT, reader.person.contact_id, "erasure"), changed, code_hash="newer"):
        assert asking.carry_out(followed, ids.new("prv")) is None

    assert Contact.fetch(*Contact.key(TENANT, reader.person.contact_id)) is not None


def test_two_letters_at_once_are_one(world: World) -> None:
    reader = Reader(world)
    message = asking.LetterMessage(
        tenant=TENANT, contact=reader.person.contact_id, wish="erasure", token=reader.token, cause="one"
    )
    now = clock.wall()
    first = PrivacyLink(
        *PrivacyLink.key(TENANT, reader.person.contact_id, "erasure"), code_hash="x", cause="two", mailed_at=now,
        expires_at=now + timedelta(hours=1), ttl=1,
    )  # fmt: skip

    with quicker((first.pk, first.sk), appeared, first):
        asking.mail(message)

    assert world.mails() == []
