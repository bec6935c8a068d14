"""mcp-marketing.md: `/api/marketing/…` and `/health`, snake_case, bare bodies."""

from typing import Any

from drumbeat.dialects import Asked, Row
from drumbeat.dialects.mcp import automation

PREFIX = "/api/marketing"
# Documented names of what the canonical API calls otherwise.
TEMPLATE_FIELDS = {"html": "html_content", "text": "text_content"}


def success(data: Any, message: str | None, request_id: str, at: str) -> Any:
    """Bare, but for the health of the service: its address is ours too, so its answer has both shapes."""
    if isinstance(data, dict) and "components" in data:
        return {**data, "message": message or "OK", "timestamp": at, "request_id": request_id}
    return data


def _health(data: Any, asked: Asked) -> Any:
    healthy = data["status"] == "healthy"
    return {"status": data["status"], "service": "marketing", "components": data["components"], "success": healthy,
            "data": data}  # fmt: skip


def renamed(body: Any, fields: dict[str, str]) -> Any:
    """A documented body with canonical names; one that is no object stays, for validation to refuse."""
    if not isinstance(body, dict):
        return body
    canonical = {shown: name for name, shown in fields.items()}
    return {canonical.get(name, name): value for name, value in body.items()}


def _new_template(asked: Asked) -> Asked:
    return Asked(asked.path, asked.query, renamed(asked.body, TEMPLATE_FIELDS))


def _template(data: Any, asked: Asked) -> Any:
    return {
        "template_id": data["id"], "id": data["id"], "name": data["name"], "subject": data["subject"],
        "html_content": data["html"], "text_content": data["text"], "variables": data["variables"],
        "category": data["category"], "created_at": data["created_at"], "updated_at": data["updated_at"],
    }  # fmt: skip


CAMPAIGN_FIELDS = {"subject": "subject_line"}


def _new_campaign(asked: Asked) -> Asked:
    """`target_audience` are equalities over attributes; who names recipients when sending needs none."""
    body = renamed(asked.body, CAMPAIGN_FIELDS)
    if isinstance(body, dict) and "target_audience" in body:
        wanted = body.pop("target_audience")
        # What is no object, 0 or an empty text, is refused with the filters: it must not become everyone.
        body["audience"] = {"everyone": True} if wanted in (None, {}) else {"filters": wanted}
    return Asked(asked.path, asked.query, body)


def _campaign(data: Any, asked: Asked) -> Any:
    wanted = (asked.body or {}).get("audience", {}).get("filters", {})
    return {
        "id": data["id"], "campaign_id": data["id"], "name": data["name"], "status": data["status"],
        "template_id": data["template_id"], "subject_line": data["subject"], "sender_name": data["sender_name"],
        "sender_email": data["sender_email"], "target_audience": wanted,
        "created_at": data["created_at"], "updated_at": data["updated_at"],
    }  # fmt: skip


def _recipients(asked: Asked) -> Asked:
    """A bare array; without a body the campaign goes to its audience."""
    return Asked(asked.path, asked.query, [] if asked.body is None else asked.body)


ROWS: tuple[Row, ...] = (
    Row("GET /health", "system.get_health", reply=_health),
    Row(
        f"POST {PREFIX}/email/templates",
        "templates.create_template",
        request=_new_template,
        reply=_template,
        fields=TEMPLATE_FIELDS,
    ),
    Row(
        f"POST {PREFIX}/email/campaigns",
        "campaigns.create_campaign",
        request=_new_campaign,
        reply=_campaign,
        fields={**CAMPAIGN_FIELDS, "audience": "target_audience", "audience.filters": "target_audience"},
    ),
    Row(
        f"POST {PREFIX}/email/campaigns/{{campaign_id}}/send",
        "campaigns.send_to_recipients",
        request=_recipients,
        status=200,
    ),
    *automation.rows(PREFIX),
)
