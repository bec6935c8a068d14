"""Routes of the simulator itself: mailbox, truth, script, faults, configuration, keys, signing, health."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

from . import links, pages, truth
from .config import BadConfig, as_json, merge
from .http import Reply, Request
from .mailbox import Mail
from .signing import as_envelope, notification, sign_twilio, sns_headers, stamp
from .simulation import Simulation

PAGE = 50


def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        raise BadConfig("the body is not valid JSON") from None
    if not isinstance(body, dict):
        raise BadConfig("the body is not a JSON object")
    return body


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query.get(name, "")
    return min(int(text), most) if text.isdecimal() else default


def health(sim: Simulation, _: Request) -> Reply:
    """`pending_events` is 0 when everything that was decided has been carried (or given up)."""
    dispatcher = sim.dispatcher
    counts = {"pending_events": dispatcher.pending, "published": dispatcher.published, "given_up": dispatcher.given_up}
    return Reply.json({"status": "ok", "mails": len(sim.mailbox), **counts, "errors": list(dispatcher.errors)})


def mailbox_page(sim: Simulation, request: Request) -> Reply:
    """GET /mailbox: newest first, `q` searches addresses, `before` pages."""
    found, following = _newest(sim, request.query.get("q", ""), _number(request, "before", 0, 10**12), PAGE)
    rows = [(mail, sim.mailbox.subject(mail)) for mail in found]
    return Reply.html(pages.listing(rows, request.query.get("q", ""), following, len(sim.mailbox)))


def _newest(sim: Simulation, wanted: str, before: int, limit: int) -> tuple[list[Mail], int | None]:
    found = [mail for mail in sim.mailbox.find(to=wanted) if not before or mail.number < before]
    shown = found[-limit:][::-1]
    return shown, shown[-1].number if len(found) > limit else None


def mail_page(sim: Simulation, request: Request) -> Reply:
    """GET /mailbox/<id>."""
    mail = sim.mailbox.get(request.params["id"])
    if mail is None:
        return Reply.html(pages.missing(), 404)
    raw = json.dumps(_summary(sim, mail) | {"data": json.loads(mail.data)}, indent=2, ensure_ascii=False)
    callbacks = [entry for entry in list(sim.dispatcher.log) if entry["message_id"] == mail.message_id]
    return Reply.html(pages.mail(mail, sim.mailbox.render(mail), raw, callbacks))


def mail_html(sim: Simulation, request: Request) -> Reply:
    """GET /mailbox/<id>/html: the mail's own HTML, for the sandboxed frame. No script runs in it."""
    mail = sim.mailbox.get(request.params["id"])
    if mail is None:
        return Reply.html(pages.missing(), 404)
    policy = "default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline'; font-src https: data:; sandbox"
    policy += " allow-popups allow-popups-to-escape-sandbox"
    text = '<base target="_blank">' + sim.mailbox.render(mail).html
    return Reply.html(text, headers={"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"})


def mailbox_json(sim: Simulation, request: Request) -> Reply:
    """GET /mailbox.json: `to`, `since` (ISO or epoch), `tag=name:value`, `order` (desc, asc), `limit` (100), `cursor`.

    `limit` is at most 1,000. `links=true` adds what a reader would fetch: links, images, the unsubscribe address. With
    `order=asc` a cursor is always given, so a caller can go on from where it was.
    """
    query, limit = request.query, max(_number(request, "limit", 100, 1000), 1)
    name, colon, value = query.get("tag", "").partition(":")
    tag = (name, value) if colon else None
    found = sim.mailbox.find(to=query.get("to", ""), since=_since(query.get("since", "")), tag=tag)
    cursor = _number(request, "cursor", 0, 10**12)
    following: int | None
    if query.get("order") == "asc":
        after = [mail for mail in found if mail.number > cursor]
        shown, following = after[:limit], after[:limit][-1].number if after else cursor
    else:
        before = [mail for mail in found if not cursor or mail.number < cursor]
        shown, following = before[-limit:][::-1], before[-limit].number if len(before) > limit else None
    items = [_summary(sim, mail) for mail in shown]
    if query.get("links") == "true":
        items = [item | links.of(sim.mailbox.render(mail), mail) for item, mail in zip(items, shown, strict=True)]
    answer = {"mails": items, "cursor": None if following is None else str(following), "total": len(sim.mailbox)}
    return Reply.json(answer)


def _since(text: str) -> float:
    if not text:
        return 0.0
    try:
        return float(text)
    except ValueError:
        pass
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise BadConfig("since is an ISO time or epoch seconds") from None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def mail_json(sim: Simulation, request: Request) -> Reply:
    """GET /mailbox/<id>.json: the summary with the rendered subject, html and text, and what a reader could fetch."""
    mail = sim.mailbox.get(request.params["id"])
    if mail is None:
        return Reply.json({"message": "no such mail"}, 404)
    rendered = sim.mailbox.render(mail)
    text = {"html": rendered.html, "text": rendered.text, "failure": rendered.failure, "data": json.loads(mail.data)}
    return Reply.json(_summary(sim, mail) | text | links.of(rendered, mail))


def _summary(sim: Simulation, mail: Mail) -> dict[str, Any]:
    return {
        "id": mail.message_id,
        "number": mail.number,
        "provider": mail.provider,
        "at": stamp(datetime.fromtimestamp(mail.at, UTC)),
        "from": mail.sender,
        "to": mail.to,
        "cc": mail.cc,
        "bcc": mail.bcc,
        "subject": sim.mailbox.subject(mail),
        "headers": mail.headers,
        "tags": mail.tags,
        "configuration_set": mail.configuration_set,
        "tenant": mail.tenant,
        "template": mail.content,
        "status": mail.status,
        "events": [
            {"event": one.kind, "recipients": one.recipients, "at": one.at, "detail": one.detail}
            for one in mail.happened
        ],
    }


def clear_mailbox(sim: Simulation, _: Request) -> Reply:
    """DELETE /mailbox."""
    sim.mailbox.clear()
    return Reply.json({"mails": 0})


def get_truth(sim: Simulation, request: Request) -> Reply:
    """GET /truth: `tag` (default `send`) groups; `value` picks one group; `addresses=true` lists who."""
    query = request.query
    every = query.get("addresses") == "true"
    return Reply.json(truth.count(sim.mailbox.every(), query.get("tag", "send"), query.get("value"), every))


def get_script(sim: Simulation, _: Request) -> Reply:
    """GET /script."""
    return Reply.json({"rules": sim.script.as_json()})


def post_script(sim: Simulation, request: Request) -> Reply:
    """POST /script: one rule, or `{"rules": […]}`."""
    body = _body(request)
    for rule in body.get("rules", [body]):
        sim.script.add(rule)
    return Reply.json({"rules": sim.script.as_json()}, 201)


def delete_script(sim: Simulation, _: Request) -> Reply:
    """DELETE /script."""
    sim.script.clear()
    return Reply.json({"rules": []})


def get_faults(sim: Simulation, _: Request) -> Reply:
    """GET /faults."""
    return Reply.json({"faults": sim.faults.as_json()})


def post_faults(sim: Simulation, request: Request) -> Reply:
    """POST /faults."""
    sim.faults.add(_body(request), time.monotonic())
    return Reply.json({"faults": sim.faults.as_json()}, 201)


def delete_faults(sim: Simulation, _: Request) -> Reply:
    """DELETE /faults."""
    sim.faults.clear()
    return Reply.json({"faults": []})


def get_config(sim: Simulation, _: Request) -> Reply:
    """GET /config."""
    return Reply.json(as_json(sim.config))


def put_config(sim: Simulation, request: Request) -> Reply:
    """PUT /config: merged over what is there, part by part."""
    sim.configure(merge(sim.config, _body(request)))
    return get_config(sim, request)


def get_callbacks(sim: Simulation, request: Request) -> Reply:
    """GET /callbacks.json: each attempt, newest first."""
    entries = list(sim.dispatcher.log)[::-1]
    return Reply.json({"callbacks": entries[: _number(request, "limit", 200, 20_000)], "total": len(entries)})


def get_keys(sim: Simulation, _: Request) -> Reply:
    """GET /keys: what a verifier must trust."""
    sns = {"cert_url": sim.keys.sns_cert_url, "pem": sim.keys.sns_pem}
    twilio = {"account_sid": sim.config.twilio.account_sid, "auth_token": sim.twilio_token}
    return Reply.json({"sns": sns, "sendgrid": {"public_key": sim.keys.sendgrid_public_key}, "twilio": twilio})


def get_certificate(sim: Simulation, _: Request) -> Reply:
    """GET /SimpleNotificationService-<hash>.pem."""
    return Reply(sim.keys.sns_pem.encode(), content_type="application/x-pem-file")


def post_subscribe(sim: Simulation, request: Request) -> Reply:
    """POST /subscribe {"url", "topic_arn"}: a signed SubscriptionConfirmation goes to the URL."""
    body = _body(request)
    url = _text(body, "url")
    sim.subscribe(url, str(body.get("topic_arn") or _topic(sim, url)))
    return Reply.json({}, 202)


def post_sign(sim: Simulation, request: Request) -> Reply:
    """POST /sign {"provider", "url", "body"}: `headers` and the `body` to send (SNS signs inside the body)."""
    asked = _body(request)
    url, body = _text(asked, "url"), _text(asked, "body")
    match asked.get("provider"):
        case "ses" | "sns":
            envelope = as_envelope(body) or notification(body, _topic(sim, url), datetime.now(UTC))
            signed = sim.keys.sign_sns(envelope)
            headers = sns_headers(signed)
            body = json.dumps(signed, separators=(",", ":"))
        case "sendgrid":
            headers = sim.keys.sign_sendgrid(body.encode(), time.time())
        case "twilio":
            headers = sign_twilio(url, body, sim.twilio_token)
        case _:
            raise BadConfig("provider is ses, sns, sendgrid or twilio")
    return Reply.json({"headers": headers, "body": body})


def _text(body: dict[str, Any], name: str) -> str:
    if not isinstance(body.get(name), str):
        raise BadConfig(f"{name} is a string")
    return str(body[name])


def _topic(sim: Simulation, url: str) -> str:
    """The topic that stands behind a callback URL; the first one when the URL is not configured."""
    posted = [one for one in sim.config.ses.destinations if one.kind == "https"]
    of_url = [one.topic_arn for one in posted if one.url == url]
    return (of_url or [one.topic_arn for one in posted] or ["arn:aws:sns:us-east-1:000000000000:ses-events"])[0]
