"""What a definition names: segments, templates and journeys, looked up when it is published."""

from collections.abc import Callable
from typing import Any

from drumbeat import channels
from drumbeat.errors import Detail, Refusal
from drumbeat.journeys import model, sending
from drumbeat.journeys.deeds import AddToSegment, Enrol
from drumbeat.journeys.model import Journey
from drumbeat.journeys.steps import Branch, CallWebhook, Definition, MessageStep, Send
from drumbeat.segments import definitions, static_lists
from drumbeat.segments import model as segments
from drumbeat.segments.rules import references
from drumbeat.templates import model as templates


class _Resolver:
    def __init__(self, journey: Journey, messages: bool) -> None:
        self.journey, self.tenant, self.messages = journey, journey.tenant, messages
        self.problems: list[Detail] = []

    def look(self, field: str, find: Callable[[], str]) -> str | None:
        """What a name stands for; a refusal is a problem of the field."""
        try:
            return find()
        except Refusal as refused:
            told = refused.details or [Detail("", refused.message)]
            self.problems += [Detail(field, f"{one.field}: {one.message}".removeprefix(": ")) for one in told]
            return None

    def segment(self, field: str, name: str) -> str | None:
        return self.look(field, lambda: segments.get(self.tenant, name).segment_id)

    def template(self, at: str, step: MessageStep) -> bool:
        """Whether a message's template is there, if it has one."""
        named = step.template if isinstance(step, Send) else None
        if named is None:
            return True
        return self.look(f"{at}.template", lambda: templates.get(self.tenant, named).template_id) is not None

    def step(self, place: int, step: Any, quiet: str) -> dict[str, Any]:
        """The fields of a step that are names, resolved."""
        at = f"steps[{place}]"
        match step:
            case Send() | CallWebhook():
                if step.channel not in channels.names():
                    known = ", ".join(channels.names())
                    self.problems.append(Detail(f"{at}.channel", f"there is no channel {step.channel}; name {known}"))
                elif self.messages and self.template(at, step):
                    self.look(at, lambda: sending.check(self.journey, step, quiet))
            case AddToSegment():
                found = self.look(f"{at}.segment", lambda: static_lists.get(self.tenant, step.segment).segment_id)
                return {"segment": found} if found else {}
            case Enrol():
                other = self.look(f"{at}.journey", lambda: model.get(self.tenant, step.journey).journey_id)
                if other == self.journey.journey_id:
                    self.problems.append(Detail(f"{at}.journey", "is this journey; name another one"))
                return {"journey": other} if other else {}
            case Branch() if step.criteria is not None:
                return self.branch(f"{at}.criteria", step.criteria)
        return {}

    def branch(self, field: str, criteria: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}

        def read() -> str:
            asked = definitions.checked(self.tenant, criteria)
            wanted = references(asked).segments
            names = {slug.slug: slug.segment_id for slug in segments.resolve(self.tenant, sorted(wanted)) if slug.slug}
            found["criteria"] = definitions.resolved(definitions.tree(criteria), names)
            return ""

        self.look(field, read)
        return found


def resolved(journey: Journey, definition: Definition, *, messages: bool = True) -> tuple[Definition, list[Detail]]:
    """The definition with ids for names, and all names that stand for nothing, or for something that does not fit;
    without `messages`, whether those could be sent is not looked at."""
    resolver = _Resolver(journey, messages)
    trigger = definition.trigger
    named = getattr(trigger, "segment", None)
    if named is not None and (found := resolver.segment("trigger.segment", named)):
        trigger = trigger.model_copy(update={"segment": found})
    terms = definition.terms
    if terms.exit_on.segment is not None and (
        found := resolver.segment("terms.exit_on.segment", terms.exit_on.segment)
    ):
        terms = terms.model_copy(update={"exit_on": terms.exit_on.model_copy(update={"segment": found})})
    steps = tuple(
        step.model_copy(update=resolver.step(place, step, terms.quiet)) for place, step in enumerate(definition.steps)
    )
    return definition.model_copy(update={"trigger": trigger, "steps": steps, "terms": terms}), resolver.problems
