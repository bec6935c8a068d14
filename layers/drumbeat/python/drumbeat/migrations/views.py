"""What requests say of migrations, and what answers show."""

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from drumbeat.fields import Body, Instant, Text, View

MOST_DEFINITIONS = 100
# Of one definition: more would say nothing that its author has to know.
MOST_DIFFERENCES = 12

Kind = Literal["segment", "campaign", "template", "journey", "other"]
Outcome = Literal["exact", "approximated", "not_carried"]


class NewMigration(Body):
    """Definitions as Amazon Pinpoint's API returns them: answers of GetSegment, GetSegments, GetCampaign, GetCampaigns
    and GetEmailTemplate as they are (or the single objects in them), at most 100 definitions and 5 MB in one request.
    Send several requests for more; a definition may refer to one of an earlier request.

    With `dry_run` nothing is made. `segments` says for a Pinpoint segment (its id) which segment here stands for it, by
    id or name, where it should not be migrated or cannot be.
    """

    documents: list[dict[str, JsonValue]] = Field(min_length=1, max_length=MOST_DEFINITIONS)
    dry_run: bool = False
    segments: Annotated[dict[Text, Text], Field(max_length=MOST_DEFINITIONS)] = Field(default_factory=dict)


class ResultView(View):
    """What became of one definition. `source_id` is Pinpoint's (a template's is its name), `id` ours: the one that it
    has, or in a dry run would have. `already_there`: an earlier migration made it, and it was left as it is.

    `exact`: it means the same here. `approximated`: `differences` say what it does in another way. `not_carried`:
    `reason` says why.
    """

    kind: Kind
    source_id: str | None
    name: str | None
    outcome: Outcome
    id: str | None
    already_there: bool
    differences: list[str]
    reason: str | None


class MigrationView(View):
    """A migration's report. `remarks` hold for all of it."""

    id: str
    source: Literal["pinpoint"] = "pinpoint"
    dry_run: bool
    exact: int
    approximated: int
    not_carried: int
    already_there: int
    results: list[ResultView]
    remarks: list[str]
    created_by: str | None
    created_at: Instant


def result(kind: Kind, source_id: str | None, name: str | None, **more: Any) -> ResultView:
    """A result; what is not said is empty."""
    said = {"outcome": "exact", "id": None, "already_there": False, "differences": [], "reason": None, **more}
    return ResultView(kind=kind, source_id=source_id, name=name, **said)
