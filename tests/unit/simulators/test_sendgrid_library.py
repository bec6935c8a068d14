"""SendGrid's simulator and SendGrid's own library: requests that the library makes, reports that it verifies, and what
the real service refuses."""

import json
from typing import Any

import pytest
import sendgrid
from drumbeat.channels import Account, Call, Message, Template
from drumbeat.channels.email import sendgrid as provider
from python_http_client.exceptions import BadRequestsError, TooManyRequestsError, UnauthorizedError
from sendgrid.helpers.eventwebhook import EventWebhook, EventWebhookHeader
from sendgrid.helpers.mail import Asm, Category, From, GroupId, Mail, TemplateId, To

from infra.local.simulators import dynamic_templates
from infra.local.simulators.config import merge
from infra.local.simulators.server import Simulators
from tests.unit.simulators.parts import Sink, ask, eventually

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
TEMPLATE = "d-0123456789abcdef0123456789abcdef"


def api(running: Simulators, key: str = "SG.key") -> Any:
    return sendgrid.SendGridAPIClient(api_key=key, host=running.url)


def mails(running: Simulators) -> list[dict[str, Any]]:
    listed = ask(running, "GET", "/mailbox.json?order=asc")[1]["mails"]
    return [ask(running, "GET", f"/mailbox/{mail['id']}.json")[1] for mail in listed]


def test_the_library_sends_a_dynamic_template(running: Simulators) -> None:
    html = "<p>{{name}} {{{raw}}}{{#if vip}} VIP{{else}} guest{{/if}}{{#each items}} {{this.sku}}{{/each}}{{gone}}</p>"
    templates = {TEMPLATE: {"subject": "For {{name}}", "html": html, "text": "{{name}}"}}
    running.sim.configure(merge(running.sim.config, {"sendgrid": {"templates": templates}}))
    mail = Mail(From("news@example.com"), [To("ada@x.io")])
    mail.template_id = TemplateId(TEMPLATE)
    mail.dynamic_template_data = {"name": "A&B", "raw": "<b>", "vip": False, "items": [{"sku": "x"}, {"sku": "y"}]}

    answer = api(running).send(mail)

    assert (answer.status_code, bool(answer.headers["X-Message-Id"])) == (202, True)
    (one,) = mails(running)
    assert (one["subject"], one["html"]) == ("For A&B", "<p>A&amp;B <b> guest x y</p>")


def test_the_librarys_own_helper_verifies_the_reports(running: Simulators, sink: Sink) -> None:
    """Two accounts, each with an address of its own."""
    there = {"SG.key": sink.url + "/webhooks/sendgrid", "SG.other": sink.url + "/webhooks/sendgrid/2"}
    running.sim.configure(merge(running.sim.config, {"sendgrid": {"callbacks": there}}))
    ask(running, "POST", "/script", {"match": "^read", "outcome": "click"})
    mail = Mail(From("news@example.com"), [To("reader@x.io")], "Hi", "text", "<p>html</p>")
    mail.category = Category("spring")
    mail.asm = Asm(GroupId(7))
    for key in there:
        api(running, key).send(mail)
    eventually(lambda: running.sim.dispatcher.pending == 0)

    verifier = EventWebhook(running.sim.keys.sendgrid_public_key)
    for request in sink.received:
        signature = request.headers[EventWebhookHeader.SIGNATURE.lower()]
        timestamp = request.headers[EventWebhookHeader.TIMESTAMP.lower()]
        assert verifier.verify_signature(request.body, signature, timestamp)
        assert not verifier.verify_signature(request.body + " ", signature, timestamp)
    assert {request.path for request in sink.received} == {"/webhooks/sendgrid", "/webhooks/sendgrid/2"}
    events = [event for request in sink.received for event in json.loads(request.body)]
    assert sorted({event["event"] for event in events}) == ["click", "delivered", "open", "processed"]
    assert {(event["asm_group_id"], *event["category"]) for event in events} == {(7, "spring")}
    click = next(event for event in events if event["event"] == "click")
    assert click.keys() >= {"url", "useragent", "ip", "sg_event_id", "sg_message_id", "smtp-id", "timestamp", "email"}


def test_what_the_product_asks_is_what_the_library_asks(running: Simulators) -> None:
    """Fifty recipients with substitutions, and one that needs whole texts."""
    account = Account("pac_1", "email", "sendgrid", "ten_acme", {"sender_domain": "example.com"})

    def message(number: int, text: str) -> Message:
        return Message(f"p{number}@x.io", {"f0": text}, {"List-Unsubscribe": "<https://x.io>"}, {"i": str(number)})

    many, alone = [message(number, f"P{number}") for number in range(50)], [message(99, "x" * 11_000)]
    for messages in (many, alone):
        call = Call(account, "News <news@example.com>", Template("For {{f0}}", "<p>{{f0}}</p>", "{{f0}}"), messages)
        assert api(running).client.mail.send.post(request_body=provider.request(call)).status_code == 202

    sent = mails(running)
    assert [one["subject"] for one in sent[:2]] == ["For P0", "For P1"] and len(sent) == 51
    assert (sent[50]["html"], sent[50]["tags"]) == (f"<p>{'x' * 11_000}</p>", {"i": "99"})
    assert sent[7]["headers"] == [["List-Unsubscribe", "<https://x.io>"]]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"template_id": "d-1"}, "template_id"),
    ({"template_id": TEMPLATE, "personalizations": [{"to": [{"email": "a@x.io"}], "substitutions": {"a": "b"}}]},
     "personalizations.0.substitutions"),
    ({"personalizations": [{"to": [{"email": "a@x.io"}], "substitutions": {"{{f0}}": "ü" * 5_000}}]},
     "personalizations.0.substitutions"),
    ({"personalizations": [{"to": [{"email": "a@x.io"}]}, {"to": [{"email": "A@x.io"}]}]}, "personalizations"),
    ({"personalizations": [{"to": [{"email": "a@x.io"}], "headers": {"Subject": "x"}}]}, "personalizations.0.headers"),
    ({"content": [{"type": "text/html", "value": "h"}, {"type": "text/plain", "value": "t"}]}, "content"),
    ({"categories": [str(number) for number in range(11)]}, "categories"),
    ({"asm": {"group_id": "7"}}, "asm.group_id"),
]  # fmt: skip


def test_it_refuses_what_the_service_refuses(running: Simulators) -> None:
    body = Mail(From("news@example.com"), [To("ada@x.io")], "Hi", "text").get()
    for change, field in REFUSED:
        with pytest.raises(BadRequestsError) as refused:
            api(running).client.mail.send.post(request_body={**body, **change})
        assert refused.value.to_dict["errors"][0]["field"] == field
    assert mails(running) == []


def test_keys_domains_and_rates(running: Simulators) -> None:
    running.sim.configure(merge(running.sim.config, {"sendgrid": {"api_keys": ["SG.key"], "domains": ["example.com"]}}))
    assert json.loads(api(running).client.scopes.get().body)["scopes"][0] == "mail.send"
    with pytest.raises(UnauthorizedError):
        api(running, "SG.other").client.scopes.get()
    with pytest.raises(Exception, match="403"):
        api(running).send(Mail(From("news@other.example"), [To("ada@x.io")], "Hi", "text"))
    ask(running, "POST", "/faults", {"operation": "MailSend", "kind": "429", "count": 1})
    with pytest.raises(TooManyRequestsError) as refused:
        api(running).send(Mail(From("news@example.com"), [To("ada@x.io")], "Hi", "text"))
    assert int(refused.value.headers["X-RateLimit-Reset"]) > 1_600_000_000


def test_it_sends_nothing_more_to_whom_it_has_on_a_list(running: Simulators, sink: Sink) -> None:
    running.sim.configure(merge(running.sim.config, {"sendgrid": {"callback_url": sink.url}}))
    ask(running, "POST", "/script", {"match": "^leaver", "outcome": "unsubscribe", "count": 1})
    for address in ("bounce@x.io", "bounce@x.io", "leaver@x.io", "leaver@x.io", "complaint@x.io", "complaint@x.io"):
        api(running).send(Mail(From("news@example.com"), [To(address)], "Hi", "text"))
    api(running, "SG.other").send(Mail(From("news@example.com"), [To("bounce@x.io")], "Hi", "text"))
    eventually(lambda: running.sim.dispatcher.pending == 0)
    events = [event for request in sink.received for event in json.loads(request.body)]
    dropped = {(event["email"], event["reason"]) for event in events if event["event"] == "dropped"}
    assert dropped == {
        ("bounce@x.io", "Bounced Address"), ("leaver@x.io", "Unsubscribed Address"),
        ("complaint@x.io", "Spam Reporting Address"),
    }  # fmt: skip
    assert sum(event["event"] == "bounce" for event in events) == 2  # lists are of an account


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{{a.b}} {{! no }}{{missing.x}}", "1 "),
        ("{{#unless no}}u{{else}}e{{/unless}}", "u"),
        ("{{#each none}}x{{else}}empty{{/each}}", "empty"),
        ("{{#each list}}{{this}}{{@root.a.b}}{{/each}}", "x1y1"),
        ("{{ html }}{{{html}}}", "&lt;&lt;"),
    ],
)
def test_handlebars(source: str, shown: str) -> None:
    data = {"a": {"b": 1}, "no": False, "list": ["x", "y"], "html": "<"}
    assert dynamic_templates.render(source, data, html=True).replace("<", "&lt;") == shown
