"""A tenant's accounts at providers: secrets stay secret, what is used stays, what is another's is not there."""

import json
from typing import Any

import pytest
from drumbeat import providers
from drumbeat.accounts.model import Tenant
from drumbeat.errors import NotFound
from drumbeat.providers import lookup, model, secrets
from drumbeat.providers.model import ProviderAccount
from drumbeat.sends.senders import Sender

from tests import rewind
from tests.meanwhile import changed, quicker, stored, vanished
from tests.sendgrid import GOOD_KEY, NO_SCOPE_KEY, refusal
from tests.unit.providers.conftest import SENDGRID, account, choose, parameters
from tests.world import World


def test_secrets_are_in_the_parameter_store_alone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    made = world.call("providers.create_account", body=SENDGRID)
    shown = world.call("providers.get_account", path={"account_id": made.data["id"]})
    world.call("providers.update_account", path={"account_id": made.data["id"]}, body={"credentials": {"api_key": ""}})

    (name,) = parameters()
    assert name == f"/drumbeat/providers/ten_acme/{made.data['id']}"
    assert parameters()[name]["Type"] == "SecureString"
    assert providers.account("ten_acme", "email", made.data["id"]).credentials() == {"api_key": GOOD_KEY}
    assert GOOD_KEY not in json.dumps(sorted(map(str, rewind.rows().values())))
    assert GOOD_KEY not in made.text + shown.text + caplog.text


def test_two_tenants_have_accounts_of_the_same_name(world: World) -> None:
    ours, theirs = account(world), account(world, "globex", credentials={"api_key": "SG.their.key"})

    assert providers.account("ten_globex", "email", theirs).credentials() == {"api_key": "SG.their.key"}
    for name in ("get_account", "delete_account", "check_account", "update_account"):
        body = {"name": "Mine"} if name == "update_account" else None
        assert world.call(f"providers.{name}", path={"account_id": theirs}, body=body).status == 404
    with pytest.raises(NotFound):
        providers.account("ten_acme", "email", theirs)
    assert choose(world, theirs).refused == ["channels.email.account"]
    listed = world.call("providers.list_accounts").data["items"]
    assert [one["id"] for one in listed] == [ours]


def test_a_request_that_comes_again_makes_one_account(world: World) -> None:
    once = {"Idempotency-Key": "once"}
    first = world.call("providers.create_account", body=SENDGRID, headers=once)
    rewind.drop_rows([key for key in rewind.rows() if key[0].startswith("REPLY#")])
    second = world.call("providers.create_account", body=SENDGRID, headers=once)

    assert first.data == second.data and len(parameters()) == 1


def test_new_credentials_are_used_at_once_where_the_row_is_fresh(world: World) -> None:
    made = account(world)
    before = providers.account("ten_acme", "email", made)
    assert before.credentials() == {"api_key": GOOD_KEY}

    world.call("providers.update_account", path={"account_id": made}, body={"credentials": {"api_key": "SG.new.key"}})

    assert providers.account("ten_acme", "email", made).credentials() == {"api_key": "SG.new.key"}
    assert before.config["sender_domain"] == "acme.example"


def test_secrets_are_read_once(world: World) -> None:
    made = account(world)
    providers.account("ten_acme", "email", made).credentials()
    rewind.backend("ssm")._parameters.clear()

    assert providers.account("ten_acme", "email", made).credentials() == {"api_key": GOOD_KEY}
    secrets.forget()
    with pytest.raises(NotFound, match="are gone"):
        providers.account("ten_acme", "email", made).credentials()


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"channel": "pigeon"}, ["channel"]),
    ({"provider": "pigeon"}, ["provider"]),
    ({"provider": "ses"}, ["provider"]),
    ({"credentials": {}}, ["credentials.api_key"]),
    ({"credentials": {"api_key": "k", "user": "u"}}, ["credentials.user"]),
    ({"credentials": {"api_key": "two words"}}, ["credentials.api_key"]),
    ({"config": {}}, ["config.sender_domain"]),
    ({"config": {"sender_domain": "acme.example", "colour": "red"}}, ["config.colour"]),
    ({"config": {"sender_domain": "acme.example", "verification_key": "MFkw"}}, ["config.verification_key"]),
]


def test_what_is_wrong_is_named(world: World) -> None:
    for wrong, refused in WRONG:
        reply = world.call("providers.create_account", body={**SENDGRID, **wrong})
        assert (reply.status, reply.refused) == (422, refused)
    assert parameters() == {}


def test_the_settings_choose_an_account_and_one_in_reserve(world: World) -> None:
    one, two = account(world), account(world, name="Second")
    assert providers.chosen("ten_acme", "email") == (providers.account("ten_acme", "email", "ses"), None)

    assert choose(world, one, two).status == 200
    first, reserve = providers.chosen("ten_acme", "email")
    assert (first.id, reserve and reserve.id) == (one, two)
    assert first.callback_url == world.call("providers.get_account", path={"account_id": one}).data["callback_url"]

    assert choose(world, one, one).refused == ["channels.email.fallback"]
    assert choose(world, "pigeon").refused == ["channels.email.account"]
    sms = world.call("accounts.update_settings", body={"channels": {"sms": {"account": one}}})
    assert sms.refused == ["channels.sms.account"]
    unknown = world.call("accounts.update_settings", body={"channels": {"pigeon": {"account": one}}})
    assert unknown.status == 422
    assert choose(world, None).data["channels"] == {}


def test_a_choice_for_one_channel_leaves_the_others(world: World) -> None:
    one = account(world)
    choose(world, one)
    world.call("accounts.update_settings", body={"time_zone": "Asia/Dhaka"})
    assert providers.chosen("ten_acme", "email")[0].id == one


def test_what_is_chosen_is_not_deleted(world: World) -> None:
    one, two = account(world), account(world, name="Second")
    choose(world, one, two)
    for used in (one, two):
        reply = world.call("providers.delete_account", path={"account_id": used})
        assert (reply.status, reply.body["error_code"]) == (409, "PROVIDER_ACCOUNT_IN_USE")

    choose(world, None)
    assert world.call("providers.delete_account", path={"account_id": one}).status == 200
    assert world.call("providers.get_account", path={"account_id": one}).status == 404
    assert choose(world, one).refused == ["channels.email.account"]
    assert list(parameters()) == [f"/drumbeat/providers/ten_acme/{two}"]


def test_who_deletes_while_somebody_chooses(world: World) -> None:
    """One of the two is refused, whoever is quicker."""
    one, two = account(world), account(world, name="Second")
    chosen = json.dumps({"channels": {"email": {"account": one}}})
    with quicker(Tenant.key("ten_acme"), changed, settings=chosen):
        reply = world.call("providers.delete_account", path={"account_id": one})
    assert (reply.status, reply.body["error_code"]) == (409, "PROVIDER_ACCOUNT_IN_USE")
    assert providers.chosen("ten_acme", "email")[0].id == one

    with quicker(ProviderAccount.key("ten_acme", two), changed, state="deleting", operation="TransactWriteItems"):
        reply = choose(world, two)
    assert (reply.status, reply.body["error_code"]) == (409, "CONFLICT")
    assert providers.chosen("ten_acme", "email")[0].id == one


def test_what_an_open_send_uses_is_not_deleted(world: World) -> None:
    one = account(world)
    Sender(
        *Sender.key(one), gsi1pk="SENDERS#all", gsi1sk=one, account=one, tenant="ten_acme", work={"ten_acme#snd_1"}
    ).create()  # fmt: skip

    refused = world.call("providers.delete_account", path={"account_id": one})
    assert (refused.status, refused.body["error_code"]) == (409, "PROVIDER_ACCOUNT_IN_USE")
    assert providers.account("ten_acme", "email", one).credentials() == {"api_key": GOOD_KEY}

    Sender.change_at(*Sender.key(one), Sender.work.remove())
    assert world.call("providers.delete_account", path={"account_id": one}).status == 200
    assert Sender.fetch(*Sender.key(one)) is None


def test_a_deletion_that_stopped_half_way_goes_on(world: World) -> None:
    one = account(world)
    row = model.get("ten_acme", one)
    row.change(ProviderAccount.state.set("deleting"))
    secrets.delete("ten_acme", one)
    providers.forget()

    with pytest.raises(NotFound):
        providers.account("ten_acme", "email", one)
    assert choose(world, one).refused == ["channels.email.account"]
    assert world.call("providers.delete_account", path={"account_id": one}).status == 200
    assert world.call("providers.delete_account", path={"account_id": one}).status == 404


def test_two_who_change_the_config_lose_nothing(world: World) -> None:
    one = account(world)

    def change(**config: str) -> Any:
        return world.call("providers.update_account", path={"account_id": one}, body={"config": config})

    with quicker(ProviderAccount.key("ten_acme", one), lambda _: change(ip_pool="second-pool")):
        assert change(tracking="sendgrid").status == 409
    assert change(tracking="sendgrid").status == 200
    config = world.call("providers.get_account", path={"account_id": one}).data["config"]
    assert (config["ip_pool"], config["tracking"]) == ("second-pool", "sendgrid")


def test_credentials_for_an_account_that_is_deleted_meanwhile_do_not_stay(world: World) -> None:
    one = account(world)

    body = {"credentials": {"api_key": "SG.too.late"}}
    with quicker(ProviderAccount.key("ten_acme", one), lambda key: rewind.drop_rows([key])):
        assert world.call("providers.update_account", path={"account_id": one}, body=body).status == 409
    assert parameters() == {}


def test_an_account_that_two_delete_at_once_stays_away(world: World) -> None:
    one = account(world)
    key = ProviderAccount.key("ten_acme", one)

    with quicker(key, vanished):
        assert world.call("providers.delete_account", path={"account_id": one}).status == 404

    assert stored(key) is None


def test_credentials_that_are_gone_can_be_put_in_again(world: World) -> None:
    one = account(world)
    secrets.delete("ten_acme", one)
    check = world.call("providers.check_account", path={"account_id": one})
    assert (check.data["works"], "put them in again" in check.data["message"]) == (False, True)
    world.call("providers.update_account", path={"account_id": one}, body={"credentials": {"api_key": GOOD_KEY}})
    assert world.call("providers.check_account", path={"account_id": one}).data["works"] is True


def test_a_default_account_that_was_replaced_takes_no_other_with_it(world: World) -> None:
    one, two = account(world), account(world)
    for which in (one, two):
        world.run("providers.set_default_account", {"tenant": "ten_acme", "account_id": which})
    world.call("providers.delete_account", path={"account_id": one})
    assert providers.reporting("sendgrid", "").account_id == two


def test_the_provider_is_asked_whether_the_key_works(world: World) -> None:
    good, poor = account(world), account(world, credentials={"api_key": NO_SCOPE_KEY})

    def check(which: str) -> Any:
        return world.call("providers.check_account", path={"account_id": which})

    assert check(good).data["works"] is True
    assert (check(poor).data["works"], "mail.send" in check(poor).data["message"]) == (False, True)
    world.sendgrid.answers.append(refusal(500, "Internal server error"))
    assert check(good).status == 503
    assert {one.headers["Authorization"] for one in world.sendgrid.asked} == {
        f"Bearer {GOOD_KEY}", f"Bearer {NO_SCOPE_KEY}"
    }  # fmt: skip


def test_no_account_is_chosen_for_a_channel_that_needs_one(world: World) -> None:
    with pytest.raises(lookup.NoAccount, match=r"channels\.sms\.account"):
        providers.chosen("ten_acme", "sms")


def test_the_default_account_goes_with_its_account(world: World) -> None:
    one = account(world)
    world.run("providers.set_default_account", {"tenant": "ten_acme", "account_id": one})
    assert providers.reporting("sendgrid", "").account_id == one

    world.call("providers.delete_account", path={"account_id": one})
    with pytest.raises(NotFound):
        providers.reporting("sendgrid", "")
