"""The part of the demo that goes to telephones: a campaign in Bangla, with a short link, to those who said yes."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from infra.local.demo.asking import get, ledger, progress, results, until
from infra.local.demo.people import File
from infra.local.demo.report import Part
from infra.local.fixtures import post
from infra.local.simulators import recipients
from infra.local.simulators.recipients import Behaviour, Log
from infra.local.stack import Stack

TITLE = "Text messages"
# Bangla takes two bytes a letter: the message has three parts of 67 letters, and the footer is one of them.
TEXT = "ঈদ মোবারক {{ first_name | default: 'বন্ধু' }}! আজ সব শাড়িতে ২০% ছাড় 🎉 https://shop.acme.example/eid"
BEHAVIOUR = Behaviour(opens=0.0, clicks=0.20, unsubscribes=0.0, scanners=0.0, prefetches=0.0)
# A click within five seconds of delivery is a machine's.
READING = 6.0
MEANING = {
    "eligible": "with a telephone and consent to texts",
    "accepted": "texts that the provider took",
    "duplicates": "people who got it twice",
    "missing": "people who should have got it and did not",
    "delivered": "delivered",
    "clicked": "followed the short link",
    "parts": "parts of messages, as they are paid for",
}


@dataclass
class Texts:
    """A running campaign: its id and its send's."""

    campaign: str
    send: str


def launch(api: httpx.Client) -> Texts:
    """Launch it; it is sent while people read their mail."""
    condition = {"field": "phone", "operator": "is_set"}
    criteria = {"logic": "AND", "conditions": [condition]}
    segment = post(api, "/v1/segments", {"name": "With a telephone", "criteria": criteria})["id"]
    body = {"name": "Eid by SMS", "channel": "sms", "text": TEXT, "audience": {"segments": [segment]}}
    campaign = str(post(api, "/v1/campaigns", body)["id"])
    return Texts(campaign, str(post(api, f"/v1/campaigns/{campaign}/launch", None)["send_id"]))


def to_the_end(api: httpx.Client, stack: Stack, file: File, texts: Texts, seed: int) -> Part:
    """The campaign by SMS to its end: everybody sent, delivered, and some followed the short link."""
    with progress("sending text messages", len(file.texted)) as tell:

        def look() -> Any:
            found = results(api, texts.campaign)
            tell(found["delivered"])
            return get(api, f"/v1/campaigns/{texts.campaign}")["status"], found["delivered"]

        until(look, lambda found: found == ("sent", len(file.texted)), "the text messages", pause=1.0)
    with progress("short links", 0):
        time.sleep(READING)
        log = people_click(stack, texts, seed)
        until(lambda: results(api, texts.campaign)["clicked"], lambda n: n == len(log.clicked), "clicks", pause=1.0)
    found = results(api, texts.campaign)
    sent = [row["contact_id"] for row in ledger(api, texts.campaign, lambda number: None)]
    mine, real = ours(found, sent), truth(stack, file, texts, log)
    return Part(TITLE, MEANING, mine, real, found["not_sent_by_reason"])


def people_click(stack: Stack, texts: Texts, seed: int) -> Log:
    """Some of those who got it follow the link in it."""
    return recipients.act(stack.mailbox_url, seed=seed, behaviour=BEHAVIOUR, tag=f"send:{texts.send}")


def truth(stack: Stack, file: File, texts: Texts, log: Log) -> dict[str, int]:
    """What the file, the simulator and the simulated people know."""
    asked = {"tag": "send", "value": texts.send}
    seen = httpx.get(f"{stack.simulators_url}/truth", params=asked, timeout=60).json()["groups"][texts.send]
    return {
        "eligible": len(file.texted), "accepted": seen["accepted"], "duplicates": seen["duplicates"],
        "missing": len(file.texted) - seen["recipients"], "delivered": seen["delivered_recipients"],
        "clicked": len(log.clicked), "parts": _parts(stack, texts),
    }  # fmt: skip


def _parts(stack: Stack, texts: Texts) -> int:
    """As the provider counts them for its bill."""
    asked = {"tag": f"send:{texts.send}", "limit": "1000"}
    ours = {mail["id"] for mail in httpx.get(f"{stack.mailbox_url}.json", params=asked, timeout=60).json()["mails"]}
    account = httpx.get(f"{stack.simulators_url}/keys", timeout=10).json()["twilio"]
    path = f"/2010-04-01/Accounts/{account['account_sid']}/Messages.json"
    listed = httpx.get(
        f"{stack.simulators_url}{path}", params={"PageSize": "1000"}, timeout=60,
        auth=(account["account_sid"], account["auth_token"]),
    ).json()["messages"]  # fmt: skip
    return sum(int(message["num_segments"]) for message in listed if message["sid"] in ours)


def ours(found: Any, sent: list[str]) -> dict[str, int]:
    """What Drumbeat says; `sent` are the contacts of its ledger who were sent to."""
    left_out = found["not_sent_by_reason"]
    ineligible = sum(left_out.get(reason, 0) for reason in ("no_consent", "consent_revoked", "suppressed"))
    eligible = found["recipients"] - ineligible
    return {
        "eligible": eligible, "accepted": found["sent"], "duplicates": len(sent) - len(set(sent)),
        "missing": eligible - len(set(sent)), "delivered": found["delivered"], "clicked": found["clicked"],
        "parts": found["parts"],
    }  # fmt: skip


def daytime(stack: Stack) -> str:
    """A time zone in which it is about eleven in the morning on the stack's clock: there marketing may be sent."""
    now = datetime.now(UTC).timestamp()
    hour = datetime.fromtimestamp(stack.time_anchor + (now - stack.time_anchor) * stack.time_scale, UTC).hour
    east = (11 - hour + 12) % 24 - 12
    return f"Etc/GMT{-east:+d}" if east else "Etc/GMT"
