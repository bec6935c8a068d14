"""`python -m infra.replay [PLACE]`: what lies dead in the deployment of the shell's AWS account (or of
AWS_ENDPOINT_URL), and back to work with it once its cause is gone.

Without a place it lists them: how many pieces, how old, why as far as known. With one it puts its pieces back; what
fails again returns there, and is named by the next list as having been replayed. Ends with 1 when something stayed,
and with 2 when nothing could be done.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from infra import discovery
from infra.catalogue import checked
from infra.dead_letters import Dead, Outcome, Place, Refused, inventory

SAMPLE = 100  # pieces of a place that are looked at for age and reasons


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.replay", description="Put back to work what lies dead.")
    parser.add_argument("place", nargs="?", help="as the list names it: deliver, feedback, undelivered, stream, …")
    parser.add_argument("--most", type=int, help="put back so many at most")
    parser.add_argument("--dry", action="store_true", help="show what would be put back")
    given = parser.parse_args(arguments)
    console = Console()
    catalogue = checked(discovery.functions(), discovery.documented())
    try:
        known = inventory.places(catalogue, inventory.aws, inventory.bucket())
        if given.place is None:
            return listed(known, console)
        place = chosen(known, given.place)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 2
    return shown(place, given.most, console) if given.dry else replayed(place, given.most, console)


def chosen(places: Iterable[Place], name: str) -> Place:
    """The place of a name. Raises Refused, which says what there is."""
    by_name = {place.name: place for place in places}
    if name not in by_name:
        raise Refused(f"There is no {name!r}; there are: {', '.join(by_name)}.")
    return by_name[name]


def listed(places: Iterable[Place], console: Console) -> int:
    """One paragraph for each place that holds anything."""
    dead = [(place, number) for place in places if (number := place.count())]
    for place, number in dead:
        for row in summary(place, number, place.sample(SAMPLE), time.time()):
            console.print(row, markup=False, highlight=False, soft_wrap=True)
    if not dead:
        console.print("Nothing lies dead.")
    return 0


def summary(place: Place, number: int, sample: Sequence[Dead], now: float) -> list[str]:
    """`deliver: 30 messages, oldest 3 h, 2 replayed before`, and how many have which reason."""
    parts = [f"{number:,} {place.pieces}"]
    if sample:
        parts.append(f"oldest {age(now - min(each.since for each in sample))}")
    if again := sum(each.replays > 0 for each in sample):
        parts.append(f"{again} replayed before")
    reasons = Counter(each.reason or "no reason is known" for each in sample)
    of = f" of the {len(sample)} looked at" if len(sample) < number else ""
    return [
        f"{place.name}: {', '.join(parts)}",
        *(f"    {count:,}{of}: {reason}" for reason, count in reasons.most_common()),
    ]


def age(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h`, `5 days`."""
    for unit, length in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def shown(place: Place, most: int | None, console: Console) -> int:
    """What would be put back; changes nothing."""
    now, number = time.time(), place.count()
    for each in place.sample(min(number, most or number)):
        reason = each.reason or "no reason is known"
        row = f"{each.name}  {age(now - each.since)}  {each.replays} replays  {reason}"
        console.print(row, markup=False, highlight=False, soft_wrap=True)
    console.print(f"{number:,} {place.pieces}; nothing was changed.", highlight=False)
    return 0


def replayed(place: Place, most: int | None, console: Console) -> int:
    """Put them back. Gives 1 when something stayed."""
    number = place.count()
    outcomes = _told(place.replay(most), min(number, most or number), console)
    reasons = Counter(each.stayed for each in outcomes if each.stayed)
    back = len(outcomes) - reasons.total()
    console.print(
        f"{place.name}: {back:,} {place.pieces} are back at work, {reasons.total():,} stayed", highlight=False
    )
    for reason, count in reasons.most_common():
        console.print(f"    {count:,}: {reason}", markup=False, highlight=False, soft_wrap=True)
    if back and place.pieces == "messages":
        console.print("What fails again returns here after five tries; ask `make replay` for it later.")
    return 1 if reasons else 0


def _told(outcomes: Iterable[Outcome], total: int, console: Console) -> list[Outcome]:
    """The outcomes, with a bar that shows how many there are yet."""
    columns = [TextColumn("putting back"), BarColumn(bar_width=32), MofNCompleteColumn(), TimeElapsedColumn()]
    done: list[Outcome] = []
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total or None)
        for outcome in outcomes:
            done.append(outcome)
            bar.advance(task)
    return done


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
