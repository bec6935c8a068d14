"""Steps that do something for a contact besides a message (drumbeat.journeys.effects), and what all steps have."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from drumbeat.contacts.views import Tag
from drumbeat.fields import Attributes, Body, Text
from drumbeat.journeys.terms import AttributeName, Reference

StepId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


class PlainStep(Body):
    """`next` is the step that follows, without it the one below."""

    id: StepId
    name: Text | None = Field(None, max_length=255)
    next: StepId | None = None

    @property
    def targets(self) -> dict[str, str | None]:
        """Where it may lead, by the field that says so; None is the step below."""
        return {"next": self.next}

    @property
    def takes_time(self) -> bool:
        return False


class UpdateContact(PlainStep):
    """Changes attributes and tags of the contact; numbers are raised once, whatever is repeated."""

    type: Literal["update_contact"] = "update_contact"
    set: Attributes = Field(default_factory=dict)
    unset: tuple[AttributeName, ...] = Field((), max_length=50)
    increment: Mapping[AttributeName, int | float] = Field(default_factory=dict, max_length=50)
    add_tags: tuple[Tag, ...] = Field((), max_length=50)
    remove_tags: tuple[Tag, ...] = Field((), max_length=50)

    @model_validator(mode="after")
    def _changes(self) -> "UpdateContact":
        if not (self.set or self.unset or self.increment or self.add_tags or self.remove_tags):
            raise ValueError("must have `set`, `unset`, `increment`, `add_tags` or `remove_tags`")
        return self


class AddToSegment(PlainStep):
    """Puts the contact into a static segment."""

    type: Literal["add_to_segment"] = "add_to_segment"
    segment: Reference


class AwardPoints(PlainStep):
    """Asks for points for the contact, once: `points.award_requested` on the bus."""

    type: Literal["award_points"] = "award_points"
    points: int = Field(ge=1, le=1_000_000)
    reason: Text | None = Field(None, max_length=255)


class Enrol(PlainStep):
    """Lets the contact enter another journey, as that one's terms allow."""

    type: Literal["enrol"] = "enrol"
    journey: Reference


Effect = UpdateContact | AddToSegment | AwardPoints | Enrol
