"""Contacts through their functions: what they hold, what they claim, and that tenants do not see each other."""

from drumbeat import clock, table
from drumbeat.contacts import changes
from drumbeat.contacts import model as contacts
from drumbeat.contacts.views import ContactChange, NewContact
from drumbeat.errors import Conflict
from pytest import mark, raises

from tests.world import World

ANN = {
    "email": "Ann@Example.COM",
    "phone": "+880 1712-345678",
    "first_name": "Ann",
    "external_id": 123,
    "language": "bn",
    "time_zone": "Asia/Dhaka",
    "country": "bd",
    "tags": ["vip", "vip", "news"],
    "attributes": {"plan": "pro", "seats": 3, "nothing": None},
    "consent": {"email": {"status": "granted", "source": "checkout", "method": "form"}},
}


def test_a_contact_is_given_back_as_it_came_with_its_addresses_normalised(world: World) -> None:
    made = world.call("contacts.create_contact", body=ANN)

    assert made.status == 201
    contact = world.call("contacts.get_contact", path={"contact_id": made.data["id"]}).data
    assert contact == made.data
    assert contact["email"] == "Ann@example.com"
    assert contact["phone"] == "+8801712345678"
    assert contact["external_id"] == 123
    assert contact["country"] == "BD"
    assert contact["tags"] == ["news", "vip"]
    assert contact["attributes"] == {"plan": "pro", "seats": 3}
    assert contact["consent"]["email"]["status"] == "granted"
    assert contact["consent"]["email"]["source"] == "checkout"
    assert contact["total_orders"] == contact["customer_lifetime_value"] == 0


def test_an_external_id_that_was_text_stays_text(world: World) -> None:
    made = world.call("contacts.create_contact", body={"external_id": "0123"})

    assert made.data["external_id"] == "0123"
    assert world.call("contacts.list_contacts", query={"external_id": "0123"}).data["items"][0]["id"] == made.data["id"]


def test_every_bad_field_is_named_at_once(world: World) -> None:
    reply = world.call(
        "contacts.create_contact",
        body={
            "email": "nobody", "phone": "", "language": "english!", "time_zone": "Asia/Atlantis",
            "country": "Bangladesh",
            "tags": ["x" * 65], "attributes": {"n" * 65: 1}, "external_id": True, "fax": "1",
            "consent": {"email": {"status": "maybe"}, "pigeon": {"status": "granted"}},
        },
    )  # fmt: skip

    assert reply.status == 422
    assert {field.split("[")[0].split(".")[0] for field in reply.refused} == {
        "email", "phone", "language", "time_zone", "country", "tags", "attributes", "external_id", "fax", "consent",
    }  # fmt: skip


@mark.parametrize("phone", ["call me", "12", "+0123456789", "+1234567890123456", "1" * 25, "0171@1234567"])
def test_a_bad_number_is_named_with_the_other_bad_fields(world: World, phone: str) -> None:
    created = world.call("contacts.create_contact", body={"email": "nobody", "phone": phone, "language": "english!"})
    made = world.call("contacts.create_contact", body={"email": "ann@example.com"}).data
    changed = world.call(
        "contacts.update_contact", path={"contact_id": made["id"]}, body={"phone": phone, "language": "english!"}
    )

    assert (created.status, created.refused) == (422, ["email", "phone", "language"])
    assert (changed.status, changed.refused) == (422, ["phone", "language"])
    assert changed.body["error"]["details"][0]["message"].startswith("is not a telephone number")


def test_a_number_is_dialled_in_the_country_of_the_settings(world: World) -> None:
    world.call("accounts.update_settings", body={"country": "bd"})

    assert world.call("contacts.create_contact", body={"phone": "01712-345678"}).data["phone"] == "+8801712345678"


def test_a_number_that_is_none_is_named(world: World) -> None:
    reply = world.call("contacts.create_contact", body={"phone": "call me"})

    assert (reply.status, reply.refused) == (422, ["phone"])


def test_a_number_without_a_country_is_dialled_in_the_contacts(world: World) -> None:
    made = world.call("contacts.create_contact", body={"phone": "01712-345678", "country": "BD"})

    assert made.data["phone"] == "+8801712345678"


def test_an_address_belongs_to_one_contact_whatever_its_case(world: World) -> None:
    world.call("contacts.create_contact", body={"email": "ann@example.com", "phone": "+8801712345678"})

    by_email = world.call("contacts.create_contact", body={"email": "ANN@EXAMPLE.COM"})
    by_phone = world.call("contacts.create_contact", body={"phone": "+880 1712 345 678", "email": "b@example.com"})

    assert (by_email.status, by_email.body["error_code"], by_email.refused) == (409, "ADDRESS_TAKEN", ["email"])
    assert (by_phone.status, by_phone.body["error_code"], by_phone.refused) == (409, "ADDRESS_TAKEN", ["phone"])
    assert world.call("contacts.create_contact", body={"email": "b@example.com"}).status == 201


def test_an_external_id_belongs_to_one_contact(world: World) -> None:
    world.call("contacts.create_contact", body={"external_id": 123})

    reply = world.call("contacts.create_contact", body={"external_id": "123"})

    assert (reply.status, reply.body["error_code"]) == (409, "EXTERNAL_ID_TAKEN")


def test_an_idempotency_key_makes_one_contact(world: World) -> None:
    first = world.call("contacts.create_contact", body=ANN, headers={"Idempotency-Key": "k1"})
    again = world.call("contacts.create_contact", body=ANN, headers={"Idempotency-Key": "k1"})

    assert first.data == again.data
    assert world.call("contacts.list_contacts").data["total_count"] == 1


def test_the_same_id_again_is_the_stored_contact_even_when_the_reply_was_lost(world: World) -> None:
    new = NewContact.model_validate(ANN)
    contact_id = "con_01JD0000000000000000000000"
    first = contacts.add("ten_acme", new, contact_id=contact_id, now=clock.business())
    again = contacts.add("ten_acme", new, contact_id=contact_id, now=clock.business())

    assert first.created_at.replace(microsecond=0) == again.created_at.replace(microsecond=0)
    assert world.call("contacts.list_contacts").data["total_count"] == 1


def test_two_tenants_have_the_same_people_without_knowing(world: World) -> None:
    ours = world.call("contacts.create_contact", body=ANN).data
    theirs = world.call("contacts.create_contact", body=ANN, tenant="globex").data

    assert ours["id"] != theirs["id"]
    foreign = {"contact_id": theirs["id"]}
    for name, body in (
        ("get_contact", None),
        ("update_contact", {"first_name": "Eve"}),
        ("replace_contact", {"first_name": "Eve"}),
        ("change_tags", {"add": ["x"]}),
        ("record_consent", {"channel": "email", "status": "revoked"}),
        ("delete_contact", None),
    ):
        assert world.call(f"contacts.{name}", path=foreign, body=body).status == 404
    found = world.call("contacts.list_contacts", query={"email": "ann@example.com"}, tenant="globex").data
    assert [item["id"] for item in found["items"]] == [theirs["id"]]
    assert world.call("contacts.list_contacts").data["total_count"] == 1


def test_the_same_id_in_two_tenants_are_two_contacts(world: World) -> None:

    contact_id = "con_01JD0000000000000000000000"
    for tenant, name in (("ten_acme", "Ann"), ("ten_globex", "Bob")):
        contacts.add(tenant, NewContact(first_name=name), contact_id=contact_id, now=clock.business())

    names = [
        world.call("contacts.get_contact", path={"contact_id": contact_id}, tenant=tenant).data["first_name"]
        for tenant in ("acme", "globex")
    ]
    assert names == ["Ann", "Bob"]


def test_a_change_merges_and_null_removes(world: World) -> None:
    made = world.call("contacts.create_contact", body=ANN).data
    path = {"contact_id": made["id"]}

    after = world.call(
        "contacts.update_contact",
        path=path,
        body={"first_name": None, "last_name": "Lee", "attributes": {"seats": None, "city": "ঢাকা"}},
    ).data

    assert (after["first_name"], after["last_name"]) == (None, "Lee")
    assert after["attributes"] == {"plan": "pro", "city": "ঢাকা"}
    assert after["tags"] == ["news", "vip"]
    assert after["consent"] == made["consent"]
    assert world.call("contacts.replace_contact", path=path, body={"tags": []}).data["tags"] == []
    assert world.call("contacts.get_contact", path=path).data["last_name"] == "Lee"


def test_attributes_stay_within_their_limits_when_they_are_merged(world: World) -> None:
    made = world.call("contacts.create_contact", body={"attributes": {f"a{n}": n for n in range(150)}}).data
    path = {"contact_id": made["id"]}

    many = world.call("contacts.update_contact", path=path, body={"attributes": {f"b{n}": n for n in range(60)}})
    large = world.call("contacts.update_contact", path=path, body={"attributes": {"text": "ü" * 32_000}})

    assert (many.status, many.refused) == (422, ["attributes"])
    assert (large.status, large.refused) == (422, ["attributes"])


def test_moving_an_address_claims_the_new_one_and_frees_the_old(world: World) -> None:
    ann = world.call("contacts.create_contact", body={"email": "ann@example.com"}).data
    bob = world.call("contacts.create_contact", body={"email": "bob@example.com"}).data

    taken = world.call(
        "contacts.update_contact", path={"contact_id": ann["id"]}, body={"email": "Bob@example.com", "first_name": "A"}
    )
    assert (taken.status, taken.refused) == (409, ["email"])
    assert world.call("contacts.get_contact", path={"contact_id": ann["id"]}).data["first_name"] is None

    world.call("contacts.update_contact", path={"contact_id": ann["id"]}, body={"email": "ann@new.example"})
    moved = world.call("contacts.update_contact", path={"contact_id": bob["id"]}, body={"email": "ANN@example.com"})
    assert moved.data["email"] == "ANN@example.com"
    found = world.call("contacts.list_contacts", query={"email": "ann@NEW.example"}).data["items"]
    assert [item["id"] for item in found] == [ann["id"]]


def test_another_case_of_the_own_address_needs_no_new_claim(world: World) -> None:
    ann = world.call("contacts.create_contact", body={"email": "ann@example.com"}).data

    after = world.call("contacts.update_contact", path={"contact_id": ann["id"]}, body={"email": "Ann@example.com"})

    assert after.data["email"] == "Ann@example.com"
    assert len(world.call("contacts.list_contacts", query={"email": "ann@example.com"}).data["items"]) == 1


def test_a_change_between_reading_and_writing_is_not_lost(world: World, monkeypatch: object) -> None:
    """Another request's attribute arrives just when ours is about to be written: both are kept."""
    made = world.call("contacts.create_contact", body={"attributes": {"a": 1}}).data
    client = table.connection().connection.client
    other = [{"b": 2}]

    def interleave(params: dict[str, object], **_: object) -> None:
        if other:
            said = ContactChange.model_validate({"attributes": other.pop()})
            changes.change("ten_acme", made["id"], said, clock.business())

    client.meta.events.register("before-parameter-build.dynamodb.UpdateItem", interleave, unique_id="interleave")
    try:
        said = ContactChange.model_validate({"attributes": {"c": 3}})
        changes.change("ten_acme", made["id"], said, clock.business())
    finally:
        client.meta.events.unregister("before-parameter-build.dynamodb.UpdateItem", unique_id="interleave")

    held = world.call("contacts.get_contact", path={"contact_id": made["id"]}).data["attributes"]
    assert held == {"a": 1, "b": 2, "c": 3}


def test_of_two_creates_at_once_one_wins(world: World) -> None:
    new = NewContact(email="ann@example.com")
    client = table.connection().connection.client
    rivals = [new]

    def interleave(params: dict[str, object], **_: object) -> None:
        if rivals:
            contacts.add("ten_acme", rivals.pop(), now=clock.business())

    client.meta.events.register("before-parameter-build.dynamodb.TransactWriteItems", interleave, unique_id="rival")
    try:
        with raises(Conflict):
            contacts.add("ten_acme", new, now=clock.business())
    finally:
        client.meta.events.unregister("before-parameter-build.dynamodb.TransactWriteItems", unique_id="rival")

    listed = world.call("contacts.list_contacts").data
    assert listed["total_count"] == len(listed["items"]) == 1


def test_deleting_frees_what_was_claimed_and_counts_down(world: World) -> None:
    made = world.call("contacts.create_contact", body=ANN).data

    gone = world.call("contacts.delete_contact", path={"contact_id": made["id"]})

    assert gone.data == {"id": made["id"], "deleted": True}
    assert world.call("contacts.get_contact", path={"contact_id": made["id"]}).status == 404
    assert world.call("contacts.delete_contact", path={"contact_id": made["id"]}).status == 404
    assert world.call("contacts.list_contacts").data["total_count"] == 0
    assert world.call("contacts.create_contact", body=ANN).status == 201


def test_lists_are_paged_counted_and_filtered(world: World) -> None:
    made = [
        world.call("contacts.create_contact", body={"email": f"p{n}@example.com", "tags": ["odd"] * (n % 2)})
        for n in range(25)
    ]

    first = world.call("contacts.list_contacts", query={"limit": "10"}).data
    second = world.call("contacts.list_contacts", query={"limit": "10", "cursor": first["next_cursor"]}).data
    third = world.call("contacts.list_contacts", query={"limit": "10", "page": "3"}).data

    seen = [item["id"] for page in (first, second, third) for item in page["items"]]
    assert seen == sorted((reply.data["id"] for reply in made), reverse=True)
    assert first["total_count"] == 25
    assert first["total_count_exact"] is True
    assert third["next_cursor"] is None
    assert world.call("contacts.list_contacts", query={"tag": "odd"}).data["total_count"] == 12
    assert world.call("contacts.list_contacts", query={"cursor": "nonsense"}).status == 422


def test_numbers_are_found_when_the_plus_arrives_as_a_space(world: World) -> None:
    made = world.call("contacts.create_contact", body={"phone": "+8801712345678"}).data

    for asked in (" 8801712345678", "+8801712345678", "+880 1712-345678"):
        found = world.call("contacts.list_contacts", query={"phone": asked}).data
        assert [item["id"] for item in found["items"]] == [made["id"]]
    assert world.call("contacts.list_contacts", query={"phone": "what"}).data["items"] == []
    assert world.call("contacts.list_contacts", query={"email": "what"}).data["total_count"] == 0


def test_tags_are_added_and_removed(world: World) -> None:
    made = world.call("contacts.create_contact", body={"tags": ["a", "b"]}).data
    path = {"contact_id": made["id"]}

    after = world.call("contacts.change_tags", path=path, body={"add": ["c", "a"], "remove": ["b"]}).data
    assert after["tags"] == ["a", "c"]
    assert world.call("contacts.change_tags", path=path, body={"remove": ["a", "c"]}).data["tags"] == []
    many = world.call("contacts.change_tags", path=path, body={"add": [f"t{n}" for n in range(100)]})
    assert many.status == 200
    assert world.call("contacts.change_tags", path=path, body={"add": ["one more"]}).status == 422


def test_scopes_are_needed(world: World) -> None:
    world.keys["acme"] = world.key("acme", ("contacts:read",))

    assert world.call("contacts.list_contacts").status == 200
    assert world.call("contacts.create_contact", body={}).status == 403
    assert world.call("contacts.create_contact", body={}, tenant=None).status == 401
