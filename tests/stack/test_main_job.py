"""The main job on the deployed stack: from a file of contacts to the results of a campaign, held against the truth."""

import csv
import io
import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from infra.local.demo import newsletter, people
from infra.local.demo.people import ENGAGED, File
from infra.local.simulators import recipients
from infra.local.simulators.recipients import Behaviour, Log
from infra.local.stack import Stack
from tests.stack.bus import Listener, listening
from tests.stack.company import Company, until
from tests.stack.provider import Provider

ROWS = 300
BEHAVIOUR = Behaviour(opens=0.40, clicks=0.15, unsubscribes=0.03, scanners=0.03, prefetches=0.10)
# A click within five seconds of delivery is a machine's.
READING = 6.0
# Unsubscribing and preferences are not what a mail is about.
LEAVING = r"^/[up]/"


def kind(address: str) -> str:
    """What the provider makes of an address: customer, bounce or complaint."""
    return address.partition("@")[0].rstrip("0123456789")


def chosen() -> tuple[File, int]:
    """The first file in which somebody bounces and somebody complains, and the first crowd in which everything
    happens, but nobody's scanner follows the links of a person who follows one too."""
    file = next(
        made
        for made in (people.make(ROWS, seed) for seed in itertools.count())
        if made.rejected and made.repeated and {"bounce", "complaint"} <= {kind(one) for one in made.eligible}
    )
    reached = [one for one in file.eligible if kind(one) != "bounce"]
    for seed in itertools.count():
        plans = [recipients.plan(one, BEHAVIOUR, seed) for one in reached]
        everything = all(
            any(getattr(plan, name) for plan in plans) for name in ("clicks", "unsubscribes", "scanned", "prefetched")
        )
        if everything and not any(plan.scanned and plan.clicks for plan in plans):
            return file, seed
    raise AssertionError


def left_out(file: File) -> dict[str, int]:
    """Who is engaged but must not get it, by reason, from the file alone."""
    said = {row["Email"].strip().lower(): row["consent"] for row in csv.DictReader(io.StringIO(file.text))}
    answers = [said[address] for address in file.engaged]
    return {"no_consent": answers.count(""), "consent_revoked": answers.count("no")}


def import_file(shop: Company, file: File) -> Any:
    job = shop.post("/v1/imports", {"file_name": "customers.csv"})
    upload = job["upload"]
    httpx.put(upload["url"], content=file.text.encode(), headers=upload["headers"]).raise_for_status()
    shop.post(f"/v1/imports/{job['id']}/start")
    return until(
        "the import", lambda: shop.get(f"/v1/imports/{job['id']}"), lambda now: now["state"] in ("done", "failed")
    )


@pytest.fixture(scope="module")
def bus(stack: Stack, shop: Company) -> Iterator[Listener]:
    with listening(stack, shop.tenant) as listener:
        yield listener


def test_from_a_file_to_the_results(shop: Company, stack: Stack, mail_provider: Provider, bus: Listener) -> None:
    file, crowd = chosen()

    done = import_file(shop, file)
    assert (done["state"], done["created"], done["rejected"]) == ("done", len(file.contacts), file.rejected)
    assert done["updated"] + done["duplicates"] == file.repeated

    campaign, send = launch(shop, file)
    truth = mail_provider.truth(send)
    assert truth["addresses"]["accepted"] == sorted(file.eligible)
    assert truth["duplicates"] == 0

    # With more threads the emulator starts more workers of each function than such a crowd is worth.
    log = recipients.act(
        stack.mailbox_url, seed=crowd, behaviour=BEHAVIOUR, tag=f"send:{send}", settle_s=READING, leaving=LEAVING,
        threads=2,
    )  # fmt: skip
    assert log.failed == []
    the_numbers_are_the_truth(shop, campaign, file, mail_provider.truth(send), log)
    everybody_who_got_nothing_is_listed(shop, campaign, file)
    who_bounced_or_complained_gets_no_more(shop, file)
    a_timeline_tells_what_happened(shop, sorted(log.opened)[0])
    the_bus_tells_everything_once(bus, campaign, truth, log)


def launch(shop: Company, file: File) -> tuple[str, str]:
    """Segment, template, campaign, launch; gives campaign and send when everybody had their turn."""
    condition = {"field": "engagement", "operator": "greater_or_equal", "value": ENGAGED}
    wanted = {"name": "Engaged customers", "criteria": {"logic": "AND", "conditions": [condition]}}
    segment = shop.post("/v1/segments", wanted)["id"]
    until(
        f"the segment should have {len(file.engaged)} members",
        lambda: shop.get(f"/v1/segments/{segment}"),
        lambda now: (now["state"], now["member_count"]) == ("ready", len(file.engaged)),
    )
    template = shop.post("/v1/templates", {"name": "News", "subject": newsletter.SUBJECT, "html": newsletter.html()})
    body = {"name": "November", "template_id": template["id"], "content": newsletter.CONTENT}
    campaign = shop.post("/v1/campaigns", {**body, "audience": {"segments": [segment]}})["id"]
    send = shop.post(f"/v1/campaigns/{campaign}/launch")["send_id"]
    shop.closed(campaign, len(file.engaged))
    return campaign, send


def the_numbers_are_the_truth(shop: Company, campaign: str, file: File, truth: Any, log: Log) -> None:
    wanted = {
        "recipients": len(file.engaged),
        "sent": len(file.eligible),
        "open": 0,
        "not_sent_by_reason": left_out(file),
        "delivered": truth["delivered_recipients"],
        "bounced": truth["bounced_recipients"],
        "complained": truth["complained_recipients"],
        "opened": len(log.opened),
        "opened_by_machines": len(log.machine_opened),
        "clicked": len(log.clicked),
        "clicked_by_machines": len(log.machine_clicked),
        "unsubscribed": len(log.unsubscribed),
    }

    def ours() -> Any:
        found = shop.results(campaign)
        return {name: found[name] for name in wanted}

    until(f"the results should be {wanted}", ours, lambda found: found == wanted)
    found = shop.finished(campaign)
    assert found["open_rate"] == round(len(log.opened) / found["delivered"], 4)
    assert sum(link["clicks"] for link in found["links"]) == sum(len(links) for links in log.clicked.values())


def everybody_who_got_nothing_is_listed(shop: Company, campaign: str, file: File) -> None:
    rows = shop.all(f"/v1/campaigns/{campaign}/recipients", outcome="not_sent")

    assert {row["email"] for row in rows} == file.engaged - file.eligible
    assert {row["reason"] for row in rows} == {"no_consent", "consent_revoked"}


def who_bounced_or_complained_gets_no_more(shop: Company, file: File) -> None:
    reasons = {"bounce": "hard_bounce", "complaint": "complaint"}
    marked = [one for one in file.eligible if kind(one) in reasons]
    until(
        "suppressions",
        lambda: {one: shop.suppressed(one) for one in marked},
        lambda found: found == {one: reasons[kind(one)] for one in marked},
    )


def a_timeline_tells_what_happened(shop: Company, address: str) -> None:
    contact = shop.by_email(address)["id"]
    rows = shop.all(f"/v1/contacts/{contact}/timeline")

    assert {"email.sent", "email.delivered", "email.opened"} <= {row["name"] for row in rows}
    assert [row["name"] for row in rows].count("email.sent") == 1


def the_bus_tells_everything_once(bus: Listener, campaign: str, truth: Any, log: Log) -> None:
    """Each frame is valid (the listener looks); an event that is delivered twice has the same id."""
    addresses = truth["addresses"]
    wanted = {
        "marketing.email.sent": set(addresses["accepted"]),
        "marketing.email.delivered": set(addresses["delivered"]),
        "marketing.email.bounced": set(addresses["bounced"]),
        "marketing.email.complained": set(addresses["complained"]),
        "marketing.email.opened": log.opened,
        "marketing.email.clicked": set(log.clicked),
        "marketing.email.unsubscribed": log.unsubscribed,
    }

    def lacking() -> dict[str, set[str]]:
        frames = bus.frames()
        return {
            type_: people ^ {frame["data"]["email"].lower() for frame in frames if frame["event_type"] == type_}
            for type_, people in wanted.items()
        }

    until("told too little or too much", lacking, lambda differing: not any(differing.values()))
    told = [frame["data"]["campaign_id"] for frame in bus.frames() if frame["event_type"].startswith("marketing.camp")]
    assert told == [campaign, campaign]
    assert {frame["event_type"] for frame in bus.frames()} == {
        *wanted, "marketing.campaign.launched", "marketing.campaign.completed"
    }  # fmt: skip
    sent = [frame for frame in bus.frames() if frame["event_type"] == "marketing.email.sent"]
    assert len(sent) == len(addresses["accepted"])
