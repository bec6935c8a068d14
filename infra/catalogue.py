"""All declarations together: who consumes which queue, which routes lead where, and what is declared wrongly."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from drumbeat.declare import Queue

from infra.discovery import Found, Mistake

# Event types of SES by topic. Deliveries and opens are many, so a queue takes them; the rest is few and goes to a URL.
TOPICS = {
    "deliveries": ("DELIVERY",),
    "bounces": ("BOUNCE", "COMPLAINT", "REJECT", "DELIVERY_DELAY", "RENDERING_FAILURE"),
    "opens": ("OPEN",),
    "clicks": ("CLICK",),
}
MOST_ROUTES = 280
MOST_STREAM_READERS = 2
LONGEST_ANSWER = 29  # seconds: the HTTP API gives up after 30


@dataclass(frozen=True)
class Catalogue:
    """The functions of a deployment, and the routes of the documents that lead to them."""

    functions: tuple[Found, ...]
    documented: dict[str, dict[str, str]]

    @cached_property
    def contexts(self) -> dict[str, list[Found]]:
        """The functions of each context, in the order of names."""
        grouped: dict[str, list[Found]] = {}
        for found in self.functions:
            grouped.setdefault(found.declaration.context, []).append(found)
        return grouped

    @cached_property
    def consumers(self) -> dict[str, Found]:
        """The one consumer of each queue, by the queue's name."""
        return {found.declaration.queue.name: found for found in self.functions if found.declaration.queue}

    @cached_property
    def scheduled_queues(self) -> list[str]:
        """Queues that one-off schedules may send to."""
        return sorted({queue.name for found in self.functions for queue in found.declaration.schedules})

    @cached_property
    def topics(self) -> list[str]:
        return sorted({topic for found in self.functions for topic in found.declaration.topics})

    def routes(self, found: Found) -> list[str]:
        """The canonical route and the documented ones, each once."""
        own = [found.declaration.route] if found.declaration.route else []
        return list(dict.fromkeys([*own, *sorted(self.dialects(found))]))

    @cached_property
    def preflights(self) -> dict[str, list[str]]:
        """{function name: OPTIONS routes}: where browsers call, the first function of a path answers for all of it."""
        answered: dict[str, list[str]] = {}
        taken = set()
        for found in self.functions:
            for route in self.routes(found) if found.declaration.cors else []:
                path = route.partition(" ")[2]
                if shape(path) not in taken:
                    taken.add(shape(path))
                    answered.setdefault(found.name, []).append(f"OPTIONS {path}")
        return answered

    def dialects(self, found: Found) -> dict[str, str]:
        """{documented route: dialect} of a function."""
        return self.documented.get(found.name, {})

    def of_kind(self, kind: str) -> list[Found]:
        return [found for found in self.functions if found.declaration.kind == kind]


def shape(route: str) -> str:
    """A route without its parameters' names: two that differ in them only are one to the API."""
    return re.sub(r"\{[^}]+\}", "{}", route)


def checked(functions: Iterable[Found], documented: dict[str, dict[str, str]]) -> Catalogue:
    """The catalogue, if it can be deployed. Raises Mistake with everything that is wrong, a line each."""
    catalogue = Catalogue(tuple(functions), documented)
    problems = [*_wiring(catalogue), *_routing(catalogue), *_numbers(catalogue)]
    if problems:
        raise Mistake("\n".join(problems))
    return catalogue


def _wiring(catalogue: Catalogue) -> Iterable[str]:
    """Each queue and machine that someone feeds has one function behind it, and topics are known ones."""
    names = [found.name for found in catalogue.functions]
    consumed = [found.declaration.queue.name for found in catalogue.functions if found.declaration.queue]
    run = [found.declaration.machine.name for found in catalogue.functions if found.declaration.machine]
    for name in sorted({queue for queue in consumed if consumed.count(queue) > 1}):
        yield f"queue {name}: has several consumers; a message reaches only one of them"
    for name in sorted({machine for machine in run if run.count(machine) > 1}):
        yield f"machine {name}: has several tasks; it runs one"
    for function in sorted(set(catalogue.documented) - set(names)):
        yield f"{function}: is named by a row of a dialect, but no file is"
    for found in catalogue.functions:
        declared = found.declaration
        fed: list[Queue] = [*declared.sends, *declared.schedules]
        yield from (f"{found.name}: queue {queue.name} has no consumer" for queue in fed if queue.name not in consumed)
        yield from (f"{found.name}: machine {m.name} has no task" for m in declared.starts if m.name not in run)
        yield from (
            f"{found.name}: topic {name} is not one of {sorted(TOPICS)}" for name in set(declared.topics) - set(TOPICS)
        )
        if declared.topics and declared.kind not in ("queue", "url"):
            yield f"{found.name}: only queue and url functions subscribe to topics"
    if len(readers := catalogue.of_kind("stream")) > MOST_STREAM_READERS:
        yield f"a stream has at most {MOST_STREAM_READERS} readers: {[found.name for found in readers]}"


def _routing(catalogue: Catalogue) -> Iterable[str]:
    """A route leads to one function, however its parameters are called."""
    taken: dict[str, tuple[str, str]] = {}
    for found in catalogue.functions:
        for route in catalogue.routes(found):
            if shape(route) in taken:
                other, as_ = taken[shape(route)]
                yield f"{found.name}: {route} is already {as_} of {other}"
            taken[shape(route)] = (found.name, route)
        if found.declaration.kind != "http" and catalogue.routes(found):
            yield f"{found.name}: only http functions have routes"
    count = len(taken) + sum(map(len, catalogue.preflights.values()))
    if count > MOST_ROUTES:
        yield f"{count} routes: an HTTP API takes 300, and {MOST_ROUTES} is where we stop"


def _numbers(catalogue: Catalogue) -> Iterable[str]:
    """Limits of the services that a declaration can run into."""
    for found in catalogue.functions:
        declared = found.declaration
        if len(found.name) > 50:
            yield f"{found.name}: is longer than 50 letters; names of the resources would be cut"
        if declared.kind == "http" and declared.timeout > LONGEST_ANSWER:
            yield f"{found.name}: timeout {declared.timeout} is longer than the API waits ({LONGEST_ANSWER} s)"
        if declared.concurrency is not None and not 2 <= declared.concurrency <= 1000:
            yield f"{found.name}: concurrency {declared.concurrency} is not between 2 and 1000"
        if declared.batch > 10 and declared.window < 1 and declared.kind == "queue":
            yield f"{found.name}: a batch of more than 10 messages needs a window of at least 1 s"
        if declared.kind == "schedule" and not declared.every:
            yield f"{found.name}: a schedule says `every`: rate(…) or cron(…)"
