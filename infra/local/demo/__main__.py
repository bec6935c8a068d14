"""Runs the demo: `python -m infra.local.demo`. Ends with 1 when any figure differs from the truth."""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from infra.local import fixtures
from infra.local.demo import journey, newsletter, people, report, texts, welcome
from infra.local.demo.asking import PATIENCE, Stuck, api_of, console, get, ledger, progress, results, until
from infra.local.demo.people import File
from infra.local.demo.report import Figures, Part
from infra.local.demo.welcome import Welcome
from infra.local.fixtures import post
from infra.local.places import KEPT, holder
from infra.local.simulators import recipients
from infra.local.simulators.recipients import Behaviour, Log
from infra.local.stack import Stack, read

ROWS, SEED = 10_000, 7
BEHAVIOUR = Behaviour(opens=0.30, clicks=0.04, unsubscribes=0.006, scanners=0.01, prefetches=0.05)
# A click within five seconds of delivery is a machine's.
READING = 6.0
# The unsubscribe page and the preferences: looking at them is no click on what the mail is about.
LEAVING = r"^/[up]/"
# The stack stays for a look around, and ends by itself.
STAYS = 600


def main() -> int:
    parser = argparse.ArgumentParser(prog="infra.local.demo", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    started = time.monotonic()
    try:
        agreed = run(started_stack(), options.rows, options.seed, started)
    except KeyboardInterrupt:
        return 130
    except (Stuck, journey.Stuck, fixtures.Refused) as trouble:
        console.print(f"[red]{trouble}[/]\nThe functions' logs: python -m infra.local logs")
        return 1
    console.print(
        f"The stack ends by itself {STAYS // 60} minutes after its start, or with: python -m infra.local down"
    )
    return 0 if agreed else 1


def started_stack() -> Stack:
    """Start the local stack as a process of its own, so that it is still there when the figures are shown."""
    if holder(KEPT / "stack.lock"):
        raise Stuck("A local stack is running. End it first: python -m infra.local down")
    described = KEPT / "stack.json"
    described.unlink(missing_ok=True)
    KEPT.mkdir(exist_ok=True)
    with (KEPT / "demo.log").open("w") as log:
        command = [sys.executable, "-m", "infra.local", "up", "--for", str(STAYS)]
        # Its progress is for people; a pipe would be held open until the stack ends.
        progress_of_start = None if sys.stderr.isatty() else log
        running = subprocess.Popen(
            command, stdout=log, stderr=progress_of_start, stdin=subprocess.DEVNULL, start_new_session=True
        )
    until(lambda: described.exists() or running.poll() is not None, bool, "the start of the stack", pause=0.2)
    if running.poll() is not None:
        raise Stuck(f"The stack did not start: {log.name}")
    return read(KEPT)


def run(stack: Stack, rows: int, seed: int, started: float, folder: Path = KEPT) -> bool:
    """The main job from the file to the figures; whether all of them are right."""
    file = people.make(rows, seed, texts.daytime(stack))
    newcomers = Welcome(stack, api_of, seed)  # most of a journey is waiting
    with api_of(stack) as api:
        import_file(api, file)
        segment = engaged_customers(api, len(file.engaged))
        campaign = launch(api, segment, len(file.eligible))
        texted = texts.launch(api)  # is sent while people read their mail
        log = let_people_act(stack, campaign, seed)
        ours = our_figures(api, campaign, file, settled(api, stack, campaign, log))
        truth = true_figures(stack, file, campaign, log)
        left_out = results(api, campaign)["not_sent_by_reason"]
        others = [texts.to_the_end(api, stack, file, texted, seed), arrived(newcomers)]
    seconds = round(time.monotonic() - started, 1)
    ours, truth = (Figures(**{**vars(one), "seconds": seconds}) for one in (ours, truth))
    parts = [report.newsletter(ours, truth, left_out), *others]
    report.show(console, parts)
    where = {name: getattr(stack, name) for name in ("api_url", "docs_url", "mailbox_url", "tenant")}
    report.write(folder / "demo.json", ours, truth, others, where)
    console.print(f"{seconds:.0f} seconds, the start of the stack included. Figures: {folder.name}/demo.json")
    for name, url in where.items():
        console.print(f"  {name:<12} {url}")
    return all(part.agrees for part in parts)


def import_file(api: httpx.Client, file: File) -> None:
    """Upload the CSV through its presigned link, and wait for the job."""
    with progress("importing contacts", file.rows) as tell:
        job = post(api, "/v1/imports", {"file_name": "customers.csv"})
        upload = job["upload"]
        httpx.put(upload["url"], content=file.text.encode(), headers=upload["headers"]).raise_for_status()
        post(api, f"/v1/imports/{job['id']}/start", None)

        def look() -> Any:
            found = get(api, f"/v1/imports/{job['id']}")
            tell(found["rows"])
            return found

        done = until(look, lambda found: found["state"] in ("done", "failed"), "the import")
    if done["state"] == "failed":
        raise Stuck(f"the import failed: {done['failure']}")
    console.print(
        f"  {done['created']:,} created, {done['updated'] + done['duplicates']:,} repeated,"
        f" {done['rejected']:,} rejected"
    )


def engaged_customers(api: httpx.Client, expected: int) -> str:
    """The segment; members come in the background."""
    with progress("finding engaged customers", expected) as tell:
        condition = {"field": "engagement", "operator": "greater_or_equal", "value": people.ENGAGED}
        segment = post(
            api, "/v1/segments", {"name": "Engaged customers", "criteria": {"logic": "AND", "conditions": [condition]}}
        )

        def look() -> Any:
            found = get(api, f"/v1/segments/{segment['id']}")
            tell(found["member_count"])
            return found["state"], found["member_count"]

        until(look, lambda found: found == ("ready", expected), f"the segment should have {expected:,} members")
    return str(segment["id"])


def launch(api: httpx.Client, segment: str, expected: int) -> str:
    """Write the template, plan the campaign, launch it, and wait until nothing of it is open."""
    template = {"name": "Newsletter", "subject": newsletter.SUBJECT, "html": newsletter.html()}
    template_id = post(api, "/v1/templates", template)["id"]
    campaign = post(
        api,
        "/v1/campaigns",
        {
            "name": "November newsletter",
            "template_id": template_id,
            "content": newsletter.CONTENT,
            "audience": {"segments": [segment]},
        },
    )
    with progress("sending the campaign", expected) as tell:
        post(api, f"/v1/campaigns/{campaign['id']}/launch", None)

        def look() -> Any:
            found = results(api, str(campaign["id"]))
            tell(found["sent"])
            return get(api, f"/v1/campaigns/{campaign['id']}")["status"], found["sent"]

        until(look, lambda found: found[0] == "sent", "the campaign", pause=1.0)
    return str(campaign["id"])


def let_people_act(stack: Stack, campaign: str, seed: int) -> Log:
    """Recipients really fetch the pixel, follow links and press unsubscribe, in mails from the mailbox."""
    with api_of(stack) as api:
        send = get(api, f"/v1/campaigns/{campaign}")["send_id"]
    with progress("recipients read", 0) as tell:
        return recipients.act(
            stack.mailbox_url,
            seed=seed,
            behaviour=BEHAVIOUR,
            tag=f"send:{send}",
            settle_s=READING,
            leaving=LEAVING,
            progress=lambda done, total: tell(done),
        )


def settled(api: httpx.Client, stack: Stack, campaign: str, log: Log) -> Any:
    """The results when all events have arrived; the simulator says when it has told all of its own."""
    with progress("events come back", 0):
        until(
            lambda: httpx.get(f"{stack.simulators_url}/health", timeout=10).json()["pending_events"],
            lambda pending: pending == 0,
            "events of the provider",
        )
        wanted = (len(log.opened), len(log.clicked), len(log.unsubscribed))
        names = ("opened", "clicked", "unsubscribed")
        end = time.monotonic() + PATIENCE
        found = results(api, campaign)
        while time.monotonic() < end:
            before, found = found, results(api, campaign)
            if tuple(found[name] for name in names) == wanted and _same(before, found):
                break
            time.sleep(3.0)
    return found


def arrived(newcomers: Welcome) -> Part:
    """Wait until everybody is through the journey."""
    with progress("welcoming newcomers", welcome.NEWCOMERS) as tell:

        def look() -> bool:
            tell(newcomers.done)
            return newcomers.over

        until(look, bool, "the journey")
    return newcomers.part()


def _same(one: Any, other: Any) -> bool:
    return all(one[name] == other[name] for name in ("delivered", "bounced", "complained", "opened", "clicked"))


def our_figures(api: httpx.Client, campaign: str, file: File, found: Any) -> Figures:
    """What Drumbeat says. Twice or never is counted from its ledger, recipient by recipient."""
    with progress("reading the ledger", found["sent"]) as tell:
        sent = [row["email"].lower() for row in ledger(api, campaign, tell)]
    left_out = found["not_sent_by_reason"]
    ineligible = sum(
        left_out.get(reason, 0) for reason in ("no_consent", "consent_revoked", "suppressed", "no_address")
    )
    others = 1 + welcome.NEWCOMERS  # the documents' customer 123 is not of the file, nor are newcomers
    return Figures(
        contacts=get(api, "/v1/contacts", limit=1)["total_count"] - others,
        eligible=found["recipients"] - ineligible,
        accepted=found["sent"],
        duplicates=len(sent) - len(set(sent)),
        missing=found["recipients"] - ineligible - len(set(sent)),
        **{name: found[name] for name in ("delivered", "opened", "clicked", "bounced", "complained", "unsubscribed")},
    )


def true_figures(stack: Stack, file: File, campaign: str, log: Log) -> Figures:
    """What the file, the simulator and the simulated people know."""
    with api_of(stack) as api:
        send = get(api, f"/v1/campaigns/{campaign}")["send_id"]
    seen = httpx.get(
        f"{stack.simulators_url}/truth", params={"tag": "send", "value": send, "addresses": "true"}, timeout=60
    ).json()
    group = seen["groups"][send]
    return Figures(
        contacts=len(file.contacts),
        eligible=len(file.eligible),
        accepted=group["accepted"],
        duplicates=group["duplicates"],
        missing=len(file.eligible) - group["recipients"],
        delivered=group["delivered_recipients"],
        opened=len(log.opened),
        clicked=len(log.clicked),
        bounced=group["bounced_recipients"],
        complained=group["complained_recipients"],
        unsubscribed=len(log.unsubscribed),
    )


if __name__ == "__main__":
    sys.exit(main())
