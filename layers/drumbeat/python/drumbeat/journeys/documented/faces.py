"""The faces of journeys by name: how each is read, and what it calls the steps that come of it."""

from collections.abc import Callable, Mapping
from typing import Any

from drumbeat.journeys.documented import Converted, rules, sequences, workflows
from drumbeat.journeys.steps import Definition

READERS: Mapping[str, Callable[[Mapping[str, Any]], Converted]] = {
    "workflow": workflows.converted, "rule": rules.converted, "sequence": sequences.converted,
}  # fmt: skip


def step_names(said: Mapping[str, Any] | None, definition: Definition) -> dict[str, tuple[str, str]]:
    """What a workflow's document calls its steps: canonical id → (number or name, type). Other steps have their own id
    and type."""
    found: dict[str, tuple[str, str]] = {step.id: (step.id, step.type) for step in definition.steps}
    for number, one in enumerate(workflows.steps_of((said or {}).get("workflow") or {})):
        named = workflows.named(one, number, "")
        kind = str(one.get("type") or one.get("action"))
        # A condition of several parts has become several steps: 4, 4.2, 4.3.
        found |= {step: (named, kind) for step in found if step == named or step.startswith(f"{named}.")}
    return found
