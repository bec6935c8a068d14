"""What people text to Twilio's numbers: Twilio's request about it, and the answer that it sends on.

https://www.twilio.com/docs/messaging/guides/webhook-request and https://www.twilio.com/docs/messaging/twiml
"""

from __future__ import annotations

import http.client
import json
import re
import secrets
import xml.etree.ElementTree as ElementTree  # nosec B405 - the product's own answers; entities are refused
from typing import Any
from urllib.parse import urlencode, urlsplit

from .config import BadConfig
from .http import Reply, Request
from .mailbox import Happening
from .signing import sign_twilio
from .simulation import Simulation
from .sms_segments import segments
from .twilio import outbound

# Twilio's own words, where advanced opt-out is on.
OPT_OUT = {
    "STOP": ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"),
    "START": ("START", "YES", "UNSTOP"),
    "HELP": ("HELP", "INFO"),
}
ANSWERS = {
    "STOP": "You have successfully been unsubscribed. You will not receive any more messages from this number. Reply "
    "START to resubscribe.",
    "START": "You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP "
    "to unsubscribe.",
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}


def post_inbound(sim: Simulation, request: Request) -> Reply:
    """POST /inbound {"from", "body", "to", "media_urls", "url", "sid"}: somebody sends a message; all but the first two
    may be left out. What came of it: the request's `sid`, the answer's `status` and TwiML, and the `messages` that
    were sent back. The same `sid` is Twilio's request once more."""
    try:
        asked = json.loads(request.body or b"{}")
    except ValueError:
        raise BadConfig("the body is not valid JSON") from None
    sender, text = str(asked.get("from", "")), str(asked.get("body", ""))
    url = str(asked.get("url") or sim.config.twilio.inbound_url)
    if not sender or not url:
        raise BadConfig("from is needed, and a url where no inbound_url is configured")
    media, to = [str(one) for one in asked.get("media_urls") or ()], str(asked.get("to") or sim.config.twilio.number)
    sid = str(asked.get("sid") or f"{'MM' if media else 'SM'}{secrets.token_hex(16)}")
    form = _form(sim, sid, sender, to, text, media)
    answers = []
    if sim.config.twilio.advanced_opt_out and (word := _word(text)):
        form["OptOutType"] = word
        answers.append(ANSWERS[word])
        (sim.opted_out.add if word == "STOP" else sim.opted_out.discard)((to, sender))
    body = urlencode(form)
    status, twiml = _posted(url, sign_twilio(url, body, sim.twilio_token), body.encode())
    if 200 <= status < 300:
        answers += messages(twiml)
    for answer in answers if (to, sender) not in sim.opted_out else answers[:1]:
        mail = outbound(sim, sender, answer, [], to)
        mail.tags = {"direction": "outbound-reply"}
        mail.happened = [Happening("Delivery", [sender], mail.at)]
        sim.mailbox.add([mail])
    return Reply.json({"sid": sid, "status": status, "twiml": twiml, "messages": answers})


def _form(sim: Simulation, sid: str, sender: str, to: str, text: str, media: list[str]) -> dict[str, str]:
    where = {f"{end}{part}": "" for end in ("From", "To") for part in ("City", "State", "Zip", "Country")}
    form = {
        **where, "ToCountry": "US", "SmsMessageSid": sid, "NumMedia": str(len(media)), "SmsSid": sid,
        "SmsStatus": "received", "Body": text, "To": to, "NumSegments": str(segments(text)), "MessageSid": sid,
        "AccountSid": sim.config.twilio.account_sid, "From": sender, "ApiVersion": "2010-04-01",
    }  # fmt: skip
    for place, url in enumerate(media):
        form |= {f"MediaUrl{place}": url, f"MediaContentType{place}": "image/jpeg"}
    return form


def _word(text: str) -> str | None:
    said = text.strip().upper()
    return next((word for word, texts in OPT_OUT.items() if said in texts), None)


def _posted(url: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=15)
    try:
        connection.request("POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers)
        response = connection.getresponse()
        return response.status, response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as problem:
        return 0, repr(problem)
    finally:
        connection.close()


def messages(twiml: str) -> list[str]:
    """The texts of TwiML's <Message> verbs; Twilio sends nothing for what is no TwiML."""
    if re.search(r"<!(DOCTYPE|ENTITY)", twiml):
        return []
    try:
        root: Any = ElementTree.fromstring(twiml)  # noqa: S314 # nosec B314 - the product's own; entities are refused above
    except ElementTree.ParseError:
        return []
    bodies = [message.findtext("Body") or message.text or "" for message in root.iter("Message")]
    return [text for text in bodies if text]
