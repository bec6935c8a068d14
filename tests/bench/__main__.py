"""`make bench`: every budget of the design against a measured figure. It ends well when one is missed, and says why."""

import json
import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from infra import idle_cost
from tests.bench import budgets, drips, figures, imports, prices
from tests.bench.budgets import Verdict

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / ".local" / "bench.json"
SAMPLE, ALONE, SIZES = 20_000, 2_000, (1_000, 10_000, 100_000)
CHUNKS = 60
DEPLOYED = SIZES[:2]  # the emulator answers 300 requests a second: more would take an hour
KEPT = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "POWERTOOLS_", "TIME_"))}
ENVIRONMENT = {
    **KEPT, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'layers' / 'drumbeat' / 'python'}", "PYTHONHASHSEED": "0",
    "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
}  # fmt: skip


def child(module: str, *arguments: object) -> Any:
    """What a measurement in a process of its own found."""
    command = [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)]
    done = subprocess.run(command, env=ENVIRONMENT, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def templates() -> list[dict[str, Any]]:
    """Today's templates, synthesized anew."""
    folder = ROOT / ".local" / "bench.out"
    environment = {**ENVIRONMENT, "CDK_OUTDIR": str(folder)}
    command = [sys.executable, "-O", "-m", "infra.app"]
    subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return [json.loads(path.read_text()) for path in sorted(folder.glob("drumbeat-*.template.json"))]


def traced(found: list[dict[str, Any]]) -> dict[str, bool]:
    """Which functions the templates have X-Ray trace."""
    return {
        resource["Properties"]["Environment"]["Variables"]["FUNCTION"]: resource["Properties"]["TracingConfig"]["Mode"]
        == "Active"
        for template in found
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function" and "Environment" in resource["Properties"]
    }


def measure(console: Console) -> dict[str, Any]:
    """Times first, alone; then the metered runs, two at a time."""
    found: dict[str, Any] = {}
    with console.status("campaigns on the deployed local stack"):
        try:
            found["deployed"] = child("deployed", *DEPLOYED)
        except subprocess.CalledProcessError as error:  # everything else can be measured all the same
            console.print(f"the deployed stack did not answer in time; its figures are missing ({error})", style="red")
            found["deployed"] = []
    with console.status("processor times"):
        found["worker"] = child("worker", CHUNKS)
        found["worker"]["rendering"] = child("render_template", "json")
        found["endpoint"] = child("endpoint")
        found["performance"] = child("performance", SIZES[-1])
        found["membership"] = child("membership", SIZES[-1])
        found["file_import"] = child("file_import", SIZES[-1])
        found["imports"] = imports.worst_first()
    with console.status("sends of up to 100,000, metered"), ThreadPoolExecutor(2) as pool:
        largest = pool.submit(child, "send_run", SIZES[-1])
        rest: dict[str, Future[Any]] = {
            "off": pool.submit(child, "send_run", SAMPLE, "large"),
            "on": pool.submit(child, "send_run", SAMPLE, "large", "events"),
            "alone": pool.submit(child, "send_run", ALONE, "alone"),
            **{str(size): pool.submit(child, "send_run", size) for size in SIZES[:-1]},
            **{f"apart {size}": pool.submit(child, "apart", size) for size in SIZES},
            "file_import_memory": pool.submit(child, "file_import", SIZES[-1], "forget"),
            "templates": pool.submit(templates),
            **{f"drip {place}": pool.submit(child, "journey_run", *run) for place, run in enumerate(drips.RUNS)},
        }
        found |= {name: future.result() for name, future in rest.items()}
        found[str(SIZES[-1])] = largest.result()
    found["apart"] = [found.pop(f"apart {size}") for size in SIZES]
    found["drips"] = [found.pop(f"drip {place}") for place in range(len(drips.RUNS))]
    return found


def verdicts(found: dict[str, Any]) -> list[Verdict]:
    tracing = traced(found["templates"])
    return [
        budgets.a_send(found["off"], tracing, events=False),
        budgets.a_send(found["on"], tracing, events=True),
        budgets.idle(idle_cost.monthly(found["templates"])),
        budgets.flat([found[str(size)] for size in SIZES], cost_by_size(found), tracing),
        budgets.processor(found["worker"]),
        budgets.memory(found["apart"]),
        budgets.imports(found["imports"]),
        budgets.endpoint(found["endpoint"]),
        budgets.performance(found["performance"]),
        budgets.backfill(found["membership"]["backfill"]),
        budgets.change(found["membership"]["change"]),
        budgets.file_import(found["file_import"], found["file_import_memory"]),
        drips.wakes(found["drips"]),
    ]


def cost_by_size(found: dict[str, Any]) -> dict[int, float]:
    """{recipients: dollars a million}. Metrics are the deployment's and are left out."""
    tracing = traced(found["templates"])
    return {size: prices.total(prices.per_million(found[str(size)]["used"], size, tracing)) for size in SIZES}


def cost_table(found: dict[str, Any]) -> Table:
    """What a million e-mails cost, line by line."""
    tracing = traced(found["templates"])
    shown = {
        "a million": budgets.cost(found["off"], tracing)[0],
        "with events on the bus": budgets.cost(found["on"], tracing)[0],
        f"{ALONE:,} alone": prices.per_million(found["alone"]["used"], ALONE, tracing),
    }
    table = Table(title="A send without the provider's price: dollars a million recipients", title_justify="left")
    table.add_column("request")
    for name in shown:
        table.add_column("a recipient", justify="right")
        table.add_column(f"$, {name}", justify="right")
    cells = {name: {line.name: line for line in lines} for name, lines in shown.items()}
    for line in shown["with events on the bus"]:
        row = [cells[name].get(line.name) for name in shown]
        table.add_row(
            line.name,
            *(text for one in row for text in ((f"{one.each:.3f}", f"{one.dollars:.2f}") if one else ("", ""))),
        )
    table.add_section()
    sums = [f"{prices.total(lines):.2f}" for lines in shown.values()]
    table.add_row("sum", *(text for total in sums for text in ("", total)))
    return table


def scale_table(found: dict[str, Any]) -> Table:
    """The same work at three sizes."""
    table = Table(title="Recipients, from 1,000 to 100,000", title_justify="left", show_lines=True)
    table.add_column("what")
    for size in SIZES:
        table.add_column(f"{size:,}", justify="right")
    deployed = {one["recipients"]: one for one in found["deployed"]}
    apart = {one["recipients"]: one for one in found["apart"]}

    def row(what: str, cells: dict[int, str]) -> None:
        table.add_row(what, *(cells.get(size, "") for size in SIZES))

    row(
        "deployed stack: seconds from launch to the last mail",
        {size: f"{one['seconds']:.1f}" for size, one in deployed.items()},
    )
    row(
        "deployed stack: milliseconds a recipient",
        {size: f"{one['seconds'] / size * 1e3:.1f}" for size, one in deployed.items()},
    )
    row("deployed stack: a worker's memory, MB", {size: f"{one['worker']:.0f}" for size, one in deployed.items()})
    row(
        "one worker for all, table elsewhere: processor ms a recipient",
        {size: f"{one['processor'] / size * 1e3:.2f}" for size, one in apart.items()},
    )
    row(
        "… its requests a recipient",
        {size: f"{sum(one['requests'].values()) / size:.3f}" for size, one in apart.items()},
    )
    row("… its memory, MB: largest", {size: f"{one['peak']:.0f}" for size, one in apart.items()})
    row(
        "… and by how much it grows after its first tenth",
        {size: f"{budgets.growth(one):+.1f}" for size, one in apart.items()},
    )
    runs = {size: found[str(size)] for size in SIZES}
    row(
        "all functions, metered: requests to AWS a recipient",
        {size: f"{budgets.requests(run):.2f}" for size, run in runs.items()},
    )
    row(
        "all functions, metered: $ a million", {size: f"{dollars:.2f}" for size, dollars in cost_by_size(found).items()}
    )
    return table


def function_table(found: dict[str, Any]) -> Table:
    """The same by whose doing it is."""
    shown = {"a million": "off", "with events": "on", f"{SIZES[0]:,}": str(SIZES[0]), f"{ALONE:,} alone": "alone"}
    table = Table("caused by", *(f"$, {name}" for name in shown), title="The same by function", title_justify="left")
    tracing = traced(found["templates"])
    costs = [prices.by_function(found[run]["used"], int(found[run]["recipients"]), tracing) for run in shown.values()]
    for name in costs[1] | costs[-1]:
        if any(cost.get(name, 0) >= 0.005 for cost in costs):
            table.add_row(name, *(f"{cost.get(name, 0):.2f}" for cost in costs))
    return table


def idle_table(found: dict[str, Any]) -> Table:
    table = Table("idle", "$ a month", title="A month with nothing sent", title_justify="left")
    for name, dollars in sorted(idle_cost.monthly(found["templates"]).items(), key=lambda item: -item[1]):
        table.add_row(name, f"{dollars:.2f}")
    return table


def budget_table(found: list[Verdict]) -> Table:
    table = Table(title="Budgets (DESIGN, section 8)", title_justify="left", show_lines=True)
    for name, justify in (("what", "left"), ("budget", "right"), ("measured", "right"), ("", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]  # rich wants a literal
    for one in found:
        colour = "green" if one.kept else "bold red"
        table.add_row(one.what, one.budget, f"[{colour}]{one.measured}[/]", one.why)
    return table


ASSUMPTIONS = """\
Assumed: 200 mails a second; 98 % delivered, 30 % opened (half of them within four hours, all within three days), 3 %
clicked. Runs of 20,000 are samples of a million: their opens come as densely. Lambda: this machine's processor is a
Graviton's, 256 MB are 0.145 of it; a request to DynamoDB takes 5 ms, to SQS 8, EventBridge 20, SES 400; a start 0.7 s,
after ten idle minutes. Five pollers a queue, each with a window of its own, ten messages a receive and a delete. Four
shards of the stream, read for nothing by Lambda. X-Ray traces the first request of each second and 5 % of the others,
of what somebody with a credential asks for, and each run of a state machine. What a sweep costs that finds nothing is
in the idle month. No segment asks for opens. Prices: us-east-1, no free tiers, no discounts. A million mails' rows
cost ${stored:.2f} a month to keep (with point-in-time recovery), until their thirteen months are over."""


def main() -> None:
    console = Console(width=None if sys.stdout.isatty() else 160)
    found = measure(console)
    judged = verdicts(found)
    dripping = drips.table(found["drips"], traced(found["templates"]))
    for table in (scale_table(found), cost_table(found), function_table(found), dripping, idle_table(found)):
        console.print(table)
    console.print(ASSUMPTIONS.format(stored=prices.stored(found["off"])), style="dim")
    console.print(budget_table(judged))
    scale = figures.of(found, traced(found["templates"]), cost_by_size(found))
    del found["templates"]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(
        json.dumps({"budgets": [one.as_json() for one in judged], "scale": scale, "measured": found}, indent=1) + "\n"
    )
    missed = sum(not one.kept for one in judged)
    console.print(f"{len(judged) - missed} of {len(judged)} budgets are kept; figures in {RESULTS.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
