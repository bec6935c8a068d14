"""The budgets of the design, each against what was measured, and what stands in the way of one that is missed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tests.bench import prices
from tests.bench.prices import Line

SEND, SEND_WITH_EVENTS, IDLE = 5.0, 8.0, 10.0
FLAT = 0.10
PROCESSOR, MEMORY, IMPORT, ENDPOINT = 0.5, 256.0, 1.3, 2.0
# The answer reads what was added up, however many got the mail: requests, and units of 4 KB.
ANSWER_REQUESTS, ANSWER_UNITS = 6, 10.0
# A segment's backfill: processor milliseconds and units of reading and writing a contact; and one contact's change.
WALK_MILLISECONDS, WALK_UNITS = 1.0, 8.0
CHANGE_MILLISECONDS, CHANGE_REQUESTS = 20.0, 15
# An import: processor milliseconds and requests a row, and how much memory may grow from its first quarter to its end.
ROW_MILLISECONDS, ROW_REQUESTS, GROWTH = 1.0, 0.15, 0.10
# Metrics are paid by the hour in which they are written, by the deployment and not by the mail: those of the three days
# in which a million mails are opened.
METRIC_HOURS = 73.0
METRICS = "custom metrics (73 hours)"
# What a deployment could do without: it observes, and carries nothing.
AVOIDABLE = ("X-Ray traces", METRICS)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One budget. `why` says what stands in the way when it is missed, and how it was measured otherwise."""

    what: str
    budget: str
    measured: str
    kept: bool
    why: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def cost(found: Mapping[str, Any], traced: Mapping[str, bool]) -> tuple[list[Line], float]:
    """The lines of a run for a million recipients, metrics among them, and their sum."""
    lines = prices.per_million(found["used"], int(found["recipients"]), traced)
    lines.append(Line(METRICS, 0.0, prices.metrics(found["metrics"], METRIC_HOURS)))
    return lines, prices.total(lines)


def a_send(found: Mapping[str, Any], traced: Mapping[str, bool], *, events: bool) -> Verdict:
    budget = SEND_WITH_EVENTS if events else SEND
    lines, total = cost(found, traced)
    what = "a million e-mails, every message event on the bus" if events else "a million e-mails"
    return Verdict(what, f"≤ ${budget:.2f}", f"${total:.2f}", total <= budget, _in_the_way(lines, total - budget))


def _in_the_way(lines: list[Line], over: float) -> str:
    """The dearest lines, and which of them it would take."""
    dearest = ", ".join(f"{line.name} {line.dollars:.2f}" for line in sorted(lines, key=lambda line: -line.dollars)[:4])
    if over <= 0:
        return f"dearest: {dearest}"
    extra = sum(line.dollars for line in lines if line.name in AVOIDABLE)
    total = prices.total(lines)
    return (
        f"over by ${over:.2f}; dearest: {dearest}; without {' and '.join(AVOIDABLE)} it would be ${total - extra:.2f}"
    )


def idle(monthly: Mapping[str, float]) -> Verdict:
    total = sum(monthly.values())
    parts = ", ".join(f"{name} {dollars:.2f}" for name, dollars in sorted(monthly.items(), key=lambda item: -item[1]))
    return Verdict("a month with nothing sent", f"≤ ${IDLE:.0f}", f"${total:.2f}", total <= IDLE, parts)


def spread(totals: Mapping[int, float]) -> float:
    """How far the dearest and the cheapest size are from their middle."""
    low, high = min(totals.values()), max(totals.values())
    return (high - low) / (high + low)


def flat(runs: list[Mapping[str, Any]], totals: Mapping[int, float], traced: Mapping[str, bool]) -> Verdict:
    """Between the cheapest and the dearest size there may be ±10 %."""
    apart = spread(totals)
    shown = " · ".join(f"{size:,}: ${total:.2f}" for size, total in totals.items())
    why = f"a million at each one's price: {shown}"
    if apart > FLAT:
        why += f"; {_steps(runs, traced)}"
    return Verdict("the same a recipient, 1,000 to 100,000", "± 10 %", f"± {apart:.0%}", apart <= FLAT, why)


def requests(run: Mapping[str, Any]) -> float:
    """Requests to AWS a recipient: the functions' own, and those that pollers and SES make."""
    counted = ("requests", "api requests", "invocations", "sqs requests", "sns publishes")
    return sum(float(number) for _, kind, number in run["used"] if kind in counted) / float(run["recipients"])


def growth(found: Mapping[str, Any]) -> float:
    """Megabytes that a worker's resident set grew by after the first tenth of its run."""
    held: list[float] = found["resident"]
    return held[-1] - held[max(1, len(held) // 10)]


def _steps(runs: list[Mapping[str, Any]], traced: Mapping[str, bool]) -> str:
    """The lines in which the smallest and the largest run differ most."""
    first, last = (
        {line.name: line.dollars for line in prices.per_million(run["used"], int(run["recipients"]), traced)}
        for run in (runs[0], runs[-1])
    )
    gaps = sorted(
        ((first.get(name, 0) - last.get(name, 0), name) for name in {*first, *last}), key=lambda gap: -abs(gap[0])
    )
    return "what differs most: " + ", ".join(f"{name} {gap:+.2f} at the smallest" for gap, name in gaps[:3])


def processor(found: Mapping[str, Any]) -> Verdict:
    taken = sorted(found["milliseconds"][1:])
    middle, compiling = taken[len(taken) // 2], found["milliseconds"][0] * 50
    why = f"median of {len(taken)} chunks of 50, best {taken[0]:.2f}; a new instance also compiles, {compiling:.0f} ms"
    why += f"; rendering alone takes {found['rendering']:.2f}"
    return Verdict(
        "worker's processor time a recipient (30 KB)", f"≤ {PROCESSOR} ms", f"{middle:.2f} ms", middle <= PROCESSOR, why
    )


def memory(runs: list[Mapping[str, Any]]) -> Verdict:
    """The worker's alone: the table is in another process."""
    peak = max(run["peak"] for run in runs)
    grown = ", ".join(f"{growth(run):+.1f} MB over {run['recipients']:,}" for run in runs)
    return Verdict(
        "worker's memory, any audience",
        f"≤ {MEMORY:.0f} MB",
        f"{peak:.0f} MB",
        peak <= MEMORY,
        f"one process for a whole campaign, the table in another; {grown}",
    )


def performance(found: Mapping[str, Any]) -> Verdict:
    """The answer about a large campaign, and what the roll-up behind it takes."""
    answer, roll_up = found["answer"], found["roll_up"]
    kept = answer["requests"] <= ANSWER_REQUESTS and answer["read_units"] <= ANSWER_UNITS
    why = (
        f"{answer['milliseconds']:.1f} ms of processor time, the SDK's too; {answer['bytes'] / 1000:.0f} KB; a roll-up "
    )
    why += f"reads {roll_up['read_units']:.0f} units in {roll_up['seconds']:.1f} s, writes {roll_up['write_units']:.0f}"
    return Verdict(
        f"performance answer, {answer['recipients']:,} recipients",
        f"≤ {ANSWER_REQUESTS} requests, {ANSWER_UNITS:.0f} read units",
        f"{answer['requests']} requests, {answer['read_units']:.1f} read units",
        kept,
        why,
    )


def backfill(found: Mapping[str, float]) -> Verdict:
    """A new segment over everyone."""
    contacts = found["contacts"]
    milliseconds, units = found["seconds"] / contacts * 1e3, (found["read_units"] + found["write_units"]) / contacts
    return Verdict(
        f"backfill of a segment over {contacts:,} contacts",
        f"≤ {WALK_MILLISECONDS:.0f} ms, {WALK_UNITS:.0f} units a contact",
        f"{milliseconds:.2f} ms, {units:.1f} units",
        milliseconds <= WALK_MILLISECONDS and units <= WALK_UNITS,
        f"{found['members']:,} members; {found['seconds']:.0f} s of processor time, {found['requests']:,.0f} requests",
    )


def change(found: Mapping[str, float]) -> Verdict:
    """One contact's change against many segments."""
    milliseconds = found["seconds"] * 1e3
    return Verdict(
        f"one contact's change against {found['segments']:.0f} segments",
        f"≤ {CHANGE_MILLISECONDS:.0f} ms, {CHANGE_REQUESTS} requests",
        f"{milliseconds:.1f} ms, {found['requests']:.0f} requests",
        milliseconds <= CHANGE_MILLISECONDS and found["requests"] <= CHANGE_REQUESTS,
        f"{found['read_units']:.0f} units read, {found['write_units']:.0f} written; it moves between some of them",
    )


def file_import(found: Mapping[str, float], forgetting: Mapping[str, float]) -> Verdict:
    """A file of new people; memory is that of the run whose emulated table keeps nothing."""
    rows, peak = found["rows"], forgetting["peak"]
    milliseconds = found["seconds"] / rows * 1e3
    requests = (found["requests"] + found["s3_requests"]) / rows
    grown = peak / forgetting["quarter"] - 1
    return Verdict(
        f"import of a file of {rows:,.0f} people",
        f"≤ {ROW_MILLISECONDS:.1f} ms, {ROW_REQUESTS:.2f} requests a row; ≤ {MEMORY:.0f} MB, flat",
        f"{milliseconds:.2f} ms, {requests:.3f} requests; {peak:.0f} MB, {grown:+.0%}",
        milliseconds <= ROW_MILLISECONDS and requests <= ROW_REQUESTS and peak <= MEMORY and grown <= GROWTH,
        f"{found['seconds']:.0f} s of processor time in {found['slices']:.0f} slices; "
        f"{found['write_units'] / rows:.1f} units written a row; {forgetting['before']:.0f} MB before the first row",
    )


def imports(ratios: Mapping[str, float]) -> Verdict:
    worst = next(iter(ratios))
    over = [name for name, ratio in ratios.items() if ratio > IMPORT]
    plain = ratios.get("contacts.get_contact", 0.0)
    why = f"worst: {worst}; get_contact: {plain:.2f}"
    if over:
        why += (
            f"; {len(over)} of {len(ratios)} endpoints are above: {', '.join(over[:6])}{' …' if len(over) > 6 else ''}"
        )
    return Verdict(
        "cold import, by that of pynamodb + pydantic",
        f"≤ {IMPORT} ×",
        f"{ratios[worst]:.2f} ×",
        ratios[worst] <= IMPORT,
        why,
    )


def endpoint(found: Mapping[str, float]) -> Verdict:
    worst = max(found, key=lambda name: found[name])
    shown = ", ".join(f"{name} {taken:.2f}" for name, taken in found.items())
    return Verdict(
        "an endpoint's own processor time, warm",
        f"≤ {ENDPOINT:.0f} ms",
        f"{found[worst]:.2f} ms",
        found[worst] <= ENDPOINT,
        shown,
    )
