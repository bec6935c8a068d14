"""Whether a journey's steps fit together: ids that are there twice, targets that are not, steps that nothing leads to,
circles without a wait."""

from collections.abc import Iterator, Mapping, Sequence

from drumbeat.errors import Detail
from drumbeat.journeys.steps import END, Branch, Definition, Send


def problems(definition: Definition) -> list[Detail]:
    """What does not fit together, by place: ids that are there twice, targets that are not, steps that nothing leads
    to, circles without a wait."""
    return [*_targets(definition), *_unreachable(definition), *_circles(definition)]


def _targets(definition: Definition) -> Iterator[Detail]:
    known: set[str] = set()
    for place, step in enumerate(definition.steps):
        if step.id in known or step.id == END:
            taken = "is the name of the end" if step.id == END else "is the id of an earlier step"
            yield Detail(f"steps[{place}].id", f"{step.id} {taken}; give each step another one")
        known.add(step.id)
    for place, step in enumerate(definition.steps):
        for field, target in step.targets.items():
            if target not in known | {END, None}:
                yield Detail(f"steps[{place}].{field}", f"there is no step {target}; name one, or `end`")
        asked = step.engagement.step if isinstance(step, Branch) and step.engagement else None
        if asked is not None and not isinstance(definition.step(asked), Send):
            yield Detail(f"steps[{place}].engagement.step", f"{asked} is no step that sends a message")


def _edges(definition: Definition, place: int) -> list[int]:
    """The places that a step leads to; targets that do not exist lead nowhere."""
    places = {step.id: number for number, step in enumerate(definition.steps)}
    found = []
    for target in definition.steps[place].targets.values():
        number = place + 1 if target is None else places.get(target)
        if number is not None and number < len(definition.steps):
            found.append(number)
    return found


def _unreachable(definition: Definition) -> list[Detail]:
    reached, left = {0}, [0]
    while left:
        new = [place for place in _edges(definition, left.pop()) if place not in reached]
        reached.update(new)
        left += new
    return [
        Detail(f"steps[{place}]", f"nothing leads to step {step.id}; name it as somebody's `next`, or remove it")
        for place, step in enumerate(definition.steps)
        if place not in reached
    ]


def _circles(definition: Definition) -> list[Detail]:
    """Steps of circles in which nothing takes time: an entry would run round for ever."""
    timeless = {place for place, step in enumerate(definition.steps) if not step.takes_time}
    edges: Mapping[int, Sequence[int]] = {
        place: [to for to in _edges(definition, place) if to in timeless] for place in timeless
    }
    # What leads to no circle is taken away until only circles, and what leads to them, are left.
    while ends := [place for place, leads in edges.items() if not any(to in edges for to in leads)]:
        edges = {place: leads for place, leads in edges.items() if place not in ends}
    return [
        Detail(f"steps[{place}]", f"step {definition.steps[place].id} runs in a circle without a wait; put one into it")
        for place in sorted(edges)
    ]
