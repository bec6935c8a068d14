"""The DNS of a domain, answered by a real name server: what is missing, wrong or doubtful, and what to do."""

import json
from typing import Any

import pytest
from drumbeat.deliverability import dmarc, spf
from drumbeat.deliverability.claims import proof

from tests.unit.deliverability.conftest import Senders
from tests.unit.mail import Provider
from tests.world import World

NAME = "shop-dns.example"


def checks(senders: Senders, name: str = NAME) -> dict[str, Any]:
    """{purpose: check}; of several of a purpose the last."""
    return {check["purpose"]: check for check in senders.ask("check_setup", name).data["checks"]}


def own_record(tenant: str, domain: str) -> tuple[str, str, str]:
    name, value = proof(tenant, domain)
    return name, "TXT", value


def test_records_are_missing_then_right(senders: Senders, mails: Provider) -> None:
    shown = senders.create(NAME).data
    before = senders.ask("check_setup", NAME).data
    for record in shown["records"]:
        mails.publish(record["name"], record["type"], record["value"])
    mails.publish(NAME, "TXT", "google-site-verification=x", "v=spf1 include:_spf.host.example -all")
    mails.publish("_spf.host.example", "TXT", "v=spf1 ip4:192.0.2.0/24 ~all")
    after = senders.ask("check_setup", NAME).data

    assert before["ready"] is False
    states = [(check["purpose"], check["state"]) for check in before["checks"]]
    assert states == [
        *[("dkim", "missing")] * 3, ("mail_from_mx", "missing"), ("mail_from_spf", "missing"), ("spf", "warning"),
        ("dmarc", "missing"),
    ]  # fmt: skip
    assert all(check["expected"] in check["advice"] for check in before["checks"] if check["state"] == "missing")
    assert after["ready"] is True
    assert {check["state"] for check in after["checks"]} == {"ok"}
    assert checks(senders)["spf"]["advice"] == "1 of 10 lookups used"


def test_what_is_wrong_is_shown_with_what_to_do(senders: Senders, mails: Provider) -> None:
    shown = senders.create(NAME).data
    token = shown["records"][0]["name"]
    mails.publish(token, "CNAME", "elsewhere.example.")
    mails.publish(f"bounces.{NAME}", "MX", "10 feedback-smtp.us-east-1.amazonses.com.", "20 mail.example.")
    mails.publish(f"bounces.{NAME}", "TXT", "v=spf1 ip4:192.0.2.1 -all")
    mails.publish(NAME, "TXT", "v=spf1 +all", "v=spf1 -all")
    mails.publish(f"_dmarc.{NAME}", "TXT", "v=DMARC1; p=reject", "v=DMARC1; p=none")

    by_name = {check["name"]: check for check in senders.ask("check_setup", NAME).data["checks"]}
    found = checks(senders)

    assert by_name[token]["state"] == "wrong"
    assert by_name[token]["found"] == ["elsewhere.example"]
    assert found["mail_from_mx"]["advice"] == "remove the other MX records of this name"
    assert found["mail_from_spf"]["advice"] == "put include:amazonses.com into the SPF record"
    assert "several SPF records" in found["spf"]["advice"]
    assert "several DMARC records" in found["dmarc"]["advice"]
    mails.publish(f"_dmarc.{NAME}", "TXT", "v=DMARC1; p=reject; adkim=s; aspf=s; rua=mailto:d@shop-dns.example")
    assert "aspf=s" in checks(senders)["dmarc"]["advice"]
    mails.publish(f"_dmarc.{NAME}", "TXT", "v=DMARC1; p=reject; rua=mailto:d@reports.example")
    assert f"{NAME}._report._dmarc.reports.example" in checks(senders)["dmarc"]["advice"]
    mails.publish(f"{NAME}._report._dmarc.reports.example", "TXT", "v=DMARC1")
    assert checks(senders)["dmarc"]["state"] == "ok"


def test_a_single_address_is_warned_of_its_domains_policy(senders: Senders, mails: Provider) -> None:
    senders.create("me@big-mail.example")
    mails.publish("_dmarc.big-mail.example", "TXT", "v=DMARC1; p=reject; rua=mailto:d@big-mail.example")

    found = checks(senders, "me@big-mail.example")

    assert found["dmarc"]["state"] == "warning"
    assert "verify the domain" in found["dmarc"]["advice"]


def test_links_have_the_tenants_domain_once_its_name_points_here(
    senders: Senders, mails: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    senders.people("ann@mail.example")
    body = {"domain": "Links.Acme.Example"}

    def ask(**request: Any) -> Any:
        return senders.world.call("deliverability.set_tracking_domain", **request)

    assert ask(body=body).data["state"] == "not_deployed"
    target = "d-abc.execute-api.us-east-1.amazonaws.com"
    monkeypatch.setenv("TRACKING_DOMAINS", json.dumps({"links.acme.example": target}))
    pending = ask(body=body).data
    assert (pending["state"], pending["in_use"], pending["records"][0]["value"]) == ("pending", None, target)
    assert ask(body=body, tenant="globex").body["error_code"] == "DOMAIN_TAKEN"
    senders.launch("news@acme.example", name="Before")
    mails.publish("links.acme.example", "CNAME", f"{target}.")
    # That the name leads here does not tell whose it is: whoever asks first might be anybody.
    assert ask(body=body).data["in_use"] is None
    mails.publish(*own_record("ten_acme", "links.acme.example"))
    assert ask(body=body).data["state"] == "verified"
    with monkeypatch.context() as silent:
        silent.setenv("DNS_SERVER", "127.0.0.1:0")
        assert ask(body=body).data["in_use"] == "links.acme.example"
    senders.launch("news@acme.example", name="After")
    senders.world.settle()
    assert ask(body={"domain": None}).data["state"] == "none"
    # Its name still leads here; that it is theirs now, the next account has to show.
    assert ask(body=body, tenant="globex").data["in_use"] is None
    mails.publish(*own_record("ten_globex", "links.acme.example"))
    assert ask(body=body, tenant="globex").data["in_use"] == "links.acme.example"

    sent = {mail["subject"]: mail["html"] + str(mail["headers"]) for mail in mails.mails()}
    before, after = sent["Before"], sent["After"]
    assert "links.acme.example" not in before
    assert after.count("https://links.acme.example/u/") == 2
    assert "https://links.acme.example/c/" in after
    assert "https://links.acme.example/o/" in after
    shown = senders.world.call("deliverability.get_tracking_domain").data
    assert (shown["state"], shown["domain"]) == ("none", None)


def test_a_domain_that_is_refused_leaves_the_one_that_is_held(world: World) -> None:
    def choose(domain: str, tenant: str = "acme") -> Any:
        return world.call("deliverability.set_tracking_domain", body={"domain": domain}, tenant=tenant)

    choose("links.acme.example")
    choose("links.globex.example", tenant="globex")
    assert choose("links.globex.example").body["error_code"] == "DOMAIN_TAKEN"

    assert choose("links.acme.example", tenant="globex").body["error_code"] == "DOMAIN_TAKEN"
    assert world.call("deliverability.get_tracking_domain").data["domain"] == "links.acme.example"


@pytest.mark.parametrize(
    ("text", "policy", "strict"),
    [
        ("v=DMARC1; p=quarantine; rua=mailto:a@b.example!10m", "quarantine", False),
        ("v=DMARC1;p=reject;adkim=s", "reject", True),
        ("v=DMARC1; rua=mailto:a@b.example", "none", False),
        ("v=DMARC1; p=nonsense; rua=mailto:a@b.example", "none", False),
        ("v=DMARC1; p=nonsense", None, False),
        ("p=reject; v=DMARC1", None, False),
        ("v=dmarc1; p=reject", None, False),
    ],
)
def test_dmarc_records_as_rfc_7489_reads_them(text: str, policy: str | None, strict: bool) -> None:
    found = dmarc.parsed("_dmarc.x.example", text, inherited=False)

    assert (found and found.policy) == policy
    assert bool(found and found.strict_dkim) == strict


def test_a_subdomain_has_the_policy_above_it() -> None:
    zone = {"_dmarc.x.example": ["v=DMARC1; p=none; sp=reject; rua=mailto:d@x.example"]}

    found = dmarc.in_force("news.x.example", lambda name: zone.get(name, []))

    assert found is not None
    assert (found.policy, found.inherited, found.at) == ("reject", True, "_dmarc.x.example")


def test_spf_lookups_are_counted_through_what_is_included() -> None:
    zone = {f"s{number}.example": [f"v=spf1 include:s{number + 1}.example mx ~all"] for number in range(8)}

    def look(name: str) -> list[str]:
        return zone.get(name, [])

    assert spf.judged(["v=spf1 a mx:m.example ip4:192.0.2.1 exists:%{i}.x ~all"], look).lookups == 3
    assert spf.judged(["v=spf1 include:s6.example -all"], look).lookups == 5
    assert "ten DNS lookups" in str(spf.judged(["v=spf1 include:s0.example -all"], look).problem)
    assert spf.judged(["v=spf10 -all"], look).record is None
