"""getit-marketing.md, section 4.5: automation workflows as the document has them."""

from typing import Any

from drumbeat.dialects import Asked, Row

_SAID = ("trigger_type", "trigger_conditions", "workflow_steps", "terms")
# The table's columns of a workflow that are ours under another name, or that only we fill.
_FIELDS = {"name": "workflow_name", "activate": "is_active", "workflow": ""}


def _new(asked: Asked) -> Asked:
    """A workflow runs at once, as the document's does; `is_active: false` makes a draft."""
    if not isinstance(asked.body, dict):
        return asked
    body = {name: value for name, value in asked.body.items() if name not in _SAID}
    if "workflow_name" in body:
        body["name"] = body.pop("workflow_name")
    body["activate"] = body.pop("is_active", True)
    body["workflow"] = {name: asked.body[name] for name in _SAID if name in asked.body}
    return Asked(asked.path, asked.query, body)


def _workflow(data: Any, asked: Asked) -> Any:
    said = data["workflow"] or {}
    return {
        "id": data["id"], "workflow_id": data["id"], "workflow_name": data["name"],
        "description": data["description"], "trigger_type": said.get("trigger_type"),
        "trigger_conditions": said.get("trigger_conditions") or {}, "workflow_steps": said.get("workflow_steps") or [],
        "is_active": data["status"] == "active", "status": data["status"], "version": data["version"],
        "created_by": data["created_by"], "created_at": data["created_at"], "updated_at": data["updated_at"],
    }  # fmt: skip


def _of(asked: Asked) -> Asked:
    return Asked({"journey_id": asked.path["workflow_id"]}, asked.query, asked.body)


def _switched(data: Any, asked: Asked) -> Any:
    return {
        "workflow_id": data["id"], "workflow_name": data["name"], "status": data["status"],
        "reason": data["reason"], "updated_at": data["updated_at"],
    }  # fmt: skip


def _number(step_id: str) -> int | str:
    """A documented step's number as it came."""
    return int(step_id) if step_id.isdecimal() else step_id


def _performance(data: Any, asked: Asked) -> Any:
    """Steps under their documented numbers and types; of a condition of several parts, the first. `conversions` are
    executions that converted, as its `conversion_rate` is of the executions."""
    return {
        "workflow_info": {
            "name": data["name"], "status": data["status"], "execution_count": data["entries"],
            "success_rate": data["success_rate"],
        },
        "step_performance": [
            {
                "step_id": _number(step["said_as"]["step_id"]), "step_type": step["said_as"]["step_type"],
                "executions": step["executions"], "successes": step["successes"],
                "success_rate": step["success_rate"],
            }
            for step in data["steps"]
            if step["step"] == step["said_as"]["step_id"]
        ],
        "conversion_metrics": {
            "workflow_completions": data["completed"], "completion_rate": data["completion_rate"],
            "conversions": data["converted"], "conversion_rate": data["conversion_rate"],
            "revenue": data["revenue"],
        },
    }  # fmt: skip


def rows(prefix: str) -> tuple[Row, ...]:
    at = f"{prefix}/automation/workflows"
    return (
        Row(f"POST {at}", "journeys.create_journey", request=_new, reply=_workflow, fields=_FIELDS),
        Row(f"GET {at}/{{workflow_id}}/performance", "journeys.get_performance", request=_of, reply=_performance),
        Row(f"PUT {at}/{{workflow_id}}/status", "journeys.set_status", request=_of, reply=_switched, fields=_FIELDS),
    )
