"""Sending identities: made once whatever gets lost, one tenant's only, and asked for before anything is launched."""

from typing import Any

import pytest
from drumbeat import aws, clock
from drumbeat.channels.email import ses_identities
from drumbeat.deliverability.claims import UNPROVEN_FOR, Claim, proof

from infra.catalogue import TOPICS
from tests.unit.deliverability.conftest import Senders
from tests.unit.mail import Provider


def set_of(senders: Senders, name: str) -> Any:
    shown = senders.ask("get_identity", name).data
    return aws.client("sesv2").get_configuration_set(ConfigurationSetName=shown["configuration_set"])


def test_a_domain_is_set_up_verified_and_sent_from(senders: Senders, mails: Provider) -> None:
    senders.people("ann@mail.example")
    made = senders.create("Shop-Acme.Example")

    assert made.status == 201
    shown = made.data
    assert (shown["name"], shown["type"], shown["state"]) == ("shop-acme.example", "domain", "pending")
    assert shown["mail_from"] == "bounces.shop-acme.example"
    kinds = [(record["type"], record["name"]) for record in shown["records"]]
    assert [kind for kind, _ in kinds] == ["CNAME", "CNAME", "CNAME", "MX", "TXT", "TXT"]
    options = set_of(senders, "shop-acme.example")
    assert options["SuppressionOptions"] == {"SuppressedReasons": []}
    assert options["ReputationOptions"]["ReputationMetricsEnabled"] is True
    refused = senders.launch("news@shop-acme.example")
    assert refused.status == 422
    assert refused.refused == ["sender_email"]
    assert "not verified" in refused.text

    mails.verify("shop-acme.example")
    assert senders.ask("refresh_identity", shown["id"]).data["state"] == "verified"
    # SES verifies a domain with all below it.
    assert senders.launch("news@mail.shop-acme.example").status == 201
    senders.world.settle()

    (mail,) = mails.mails()
    assert (mail["tenant"], mail["configuration_set"]) == ("ten_acme", shown["configuration_set"])


def test_whatever_gets_lost_the_same_request_goes_on(senders: Senders, mails: Provider) -> None:
    for operation in ("CreateTenant", "CreateEmailIdentity"):
        # Done, and the answer lost: the SDK asks again and is told that there is one already.
        fault = {"operation": operation, "kind": "500_accepted", "count": 1}
        mails.http.post("/faults", json=fault).raise_for_status()
    first = senders.create("lossy.example")
    mails.configure(verified=["later.example"])
    half = senders.create("later.example")
    mails.configure(verified=[])  # the operator has released it
    again = senders.create("later.example")

    assert first.status == 201
    assert (half.status, half.body["error_code"]) == (409, "IDENTITY_TAKEN")
    assert again.status == 201
    assert senders.create("lossy.example").data["id"] == first.data["id"]
    listed = senders.ask("list_identities").data
    assert [one["name"] for one in listed["items"]] == ["later.example", "lossy.example"]
    assert listed["total_count"] == 2


def test_a_domain_is_one_tenants(senders: Senders, mails: Provider) -> None:
    senders.verified("acme-mail.example")

    taken = senders.create("acme-mail.example", tenant="globex")
    below = senders.create("news@acme-mail.example", tenant="globex")
    launched = senders.launch("news@acme-mail.example", tenant="globex")
    shared = senders.create("acme.example")
    posed = senders.world.call(
        "accounts.update_settings", tenant="globex", body={"sender_email": "boss@mail.acme-mail.example"}
    )
    foreign = senders.ask("get_identity", "acme-mail.example", tenant="globex")
    mails.configure(verified=["operator.example"])
    operators = senders.create("operator.example", tenant="globex")

    assert [(reply.status, reply.body["error_code"]) for reply in (taken, below, shared, operators, foreign)] == [
        (409, "DOMAIN_TAKEN"), (409, "DOMAIN_TAKEN"), (409, "IDENTITY_SHARED"), (409, "IDENTITY_TAKEN"),
        (404, "NOT_FOUND"),
    ]  # fmt: skip
    assert posed.body["error_code"] == "SENDER_NOT_VERIFIED"
    assert launched.status == 422
    assert "belongs to another account" in launched.text


def test_who_takes_over_a_domain_proves_it_by_dns(senders: Senders, mails: Provider) -> None:
    senders.verified("sold.example")
    assert senders.ask("delete_identity", "sold.example").status == 200
    assert senders.ask("get_identity", "sold.example").status == 404

    made = senders.create("sold.example", tenant="globex").data
    mails.verify("sold.example")  # its old DKIM records are still there
    before = senders.ask("refresh_identity", "sold.example", tenant="globex").data
    name, value = proof("ten_globex", "sold.example")
    mails.publish(name, "TXT", "something else", value)
    after = senders.ask("refresh_identity", "sold.example", tenant="globex").data

    assert {"name": name, "type": "TXT", "value": value} in made["records"]
    assert (before["state"], after["state"]) == ("pending", "verified")


def test_what_is_somebody_elses_in_ses_never_becomes_verified(senders: Senders, mails: Provider) -> None:
    """The operator uses a domain itself, and does not share it: a tenant that asks for it is refused."""
    mails.configure(verified=["operator.example"])
    assert senders.create("operator.example").body["error_code"] == "IDENTITY_TAKEN"

    looked = senders.ask("refresh_identity", "operator.example").data

    assert looked["state"] == "failed"
    assert "somebody else" in looked["reason"]
    assert senders.launch("news@operator.example").refused == ["sender_email"]


def test_a_proof_that_was_given_once_is_not_asked_for_again(senders: Senders, mails: Provider) -> None:
    senders.verified("sold.example")
    senders.ask("delete_identity", "sold.example")
    senders.create("sold.example", tenant="globex")
    mails.verify("sold.example")
    name, value = proof("ten_globex", "sold.example")
    mails.publish(name, "TXT", value)
    assert senders.ask("refresh_identity", "sold.example", tenant="globex").data["state"] == "verified"

    mails.publish(name, "TXT")  # removed, or the name server does not answer

    assert senders.ask("refresh_identity", "sold.example", tenant="globex").data["state"] == "verified"


def test_a_claim_that_nobody_proves_keeps_nobody_waiting(senders: Senders) -> None:
    senders.create("squatted.example")
    assert senders.create("squatted.example", tenant="globex").status == 409
    long_ago = clock.business() - UNPROVEN_FOR * 2
    Claim.change_at(*Claim.key("sending", "squatted.example"), Claim.since.set(long_ago))

    assert senders.create("squatted.example", tenant="globex").status == 201
    lost = senders.ask("refresh_identity", "squatted.example").data

    assert lost["state"] == "failed"
    assert "another account" in lost["reason"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "localhost"}, "name"),
        ({"name": "a b.example"}, "name"),
        ({"name": "@acme.example"}, "name"),
        ({"name": "own.example", "mail_from": "bounces.other.example"}, "mail_from"),
    ],
)
def test_what_is_no_domain_is_refused_by_name(senders: Senders, body: dict[str, Any], field: str) -> None:
    assert senders.ask("create_identity", body=body).refused == [field]


def test_event_types_are_those_of_the_deployment() -> None:
    assert {topic: TOPICS[topic] for topic in ses_identities.EVENTS} == ses_identities.EVENTS
