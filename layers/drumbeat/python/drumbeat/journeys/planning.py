"""Making and changing journeys: a request, in whichever way it says a journey, becomes a stored draft."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drumbeat.accounts import settings
from drumbeat.accounts.automation import Automation
from drumbeat.errors import Conflict, Detail, Invalid
from drumbeat.journeys import documented, lifecycle, model
from drumbeat.journeys.documented import sequences
from drumbeat.journeys.documented.faces import READERS
from drumbeat.journeys.model import Face, Journey, Status
from drumbeat.journeys.steps import Definition, Send
from drumbeat.journeys.views import JourneyChange, JourneyFields, NewJourney


class SwitchedOff(Conflict):
    """The tenant has switched automation rules, or sequences, off."""

    code = "AUTOMATION_SWITCHED_OFF"


def make(tenant: str, journey_id: str, body: NewJourney, actor: str, now: datetime, *, ready: bool = False) -> Journey:
    """Store a draft; with `ready`, only one that could be published. Raises Invalid with everything that is wrong where
    the request has it, TooMany, SwitchedOff, NotReady."""
    face = Face(body.faces[0]) if body.faces else Face.JOURNEY
    definition = read(body, {})
    terms = settings.fresh(tenant).automation
    _require_allowed(face, body, definition, terms)
    journey = model.make(
        tenant, journey_id, body.name, definition, actor, now, face=face.value, names=body.names or {},
        description=body.description, said=said_in(body),
    )  # fmt: skip
    if ready:
        require_ready(journey)
    return model.add(journey, _most(face, terms))


def require_ready(journey: Journey) -> None:
    """Raise NotReady unless the draft could be published, with its problems where the journey's face has them."""
    try:
        lifecycle.checked(journey)
    except lifecycle.NotReady as refused:
        raise located(refused, journey.said) from refused


def located(refused: lifecycle.NotReady, said: Mapping[str, Any] | None) -> lifecycle.NotReady:
    """The refusal with its problems where the face has them in which the journey was said, if it was said in one."""
    face = next(iter(said or ()), None)
    if face is None:
        return refused
    source = READERS[face]((said or {})[face])
    told = [Detail(f"{face}.{source.located(place)}", says) for place, says in refused.details]
    return lifecycle.NotReady(refused.message, told)


def revise(journey: Journey, body: JourneyChange, now: datetime) -> Journey:
    """Change a journey; its steps become the draft of the next version. Raises Invalid, WrongStatus, Conflict."""
    journey.require(Status.DRAFT, Status.ACTIVE, Status.PAUSED)
    values: dict[str, Any] = {
        name: value for name in ("name", "names", "description") if (value := getattr(body, name)) is not None
    }
    if body.faces or any(part is not None for part in (body.trigger, body.steps, body.terms)):
        draft = read(body, journey.draft)
        if body.faces or journey.face == Face.SEQUENCE:
            _require_allowed(Face(journey.face), body, draft, settings.fresh(journey.tenant).automation)
        values |= {"draft": draft.stored, "changed": True, "said": said_in(body)}
    return model.change(journey, now, **values)


def read(body: JourneyFields, stored: Mapping[str, Any]) -> Definition:
    """The definition that a request says; parts that it leaves out are the stored ones. Raises Invalid."""
    if not body.faces:
        said = {name: part for name in ("trigger", "steps", "terms") if (part := getattr(body, name)) is not None}
        return documented.read(documented.canonical({**stored, **said}))
    face = body.faces[0]
    try:
        return documented.read(READERS[face](getattr(body, face)))
    except Invalid as wrong:
        raise Invalid(wrong.message, [Detail(f"{face}.{place}", says) for place, says in wrong.details]) from wrong


def said_in(body: JourneyFields) -> dict[str, Any] | None:
    """The journey as its face says it, by face; None in our own words."""
    return {face: getattr(body, face) for face in body.faces} or None


def _require_allowed(face: Face, body: JourneyFields, definition: Definition, terms: Automation) -> None:
    if not terms.allows(face):
        raise SwitchedOff(f"{face.value.title()}s are switched off: `automation` in the settings switches them on.")
    most = terms.sequences.max_emails_per_sequence
    mails = sum(isinstance(step, Send) for step in definition.steps)
    if face == Face.SEQUENCE and mails > most:
        place = "steps" if body.sequence is None else f"sequence.{sequences.listed_as(body.sequence)}"
        told = Detail(place, f"has {mails} mails, and {most} is the most; go on in a second sequence")
        raise TooManyMails(f"A sequence has at most {most} mails.", [told])


class TooManyMails(Invalid):
    """A sequence has more mails than the tenant allows."""

    code = "TOO_MANY_EMAILS"


def _most(face: Face, terms: Automation) -> int | None:
    limits = {Face.RULE: terms.rules.max_rules, Face.SEQUENCE: terms.sequences.max_sequences}
    return limits.get(face)
