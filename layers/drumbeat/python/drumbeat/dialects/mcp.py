"""mcp-marketing.md: `/api/marketing/…` and `/health`, snake_case, bare bodies."""

from typing import Any

from drumbeat.dialects import Asked, Row

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


ROWS: tuple[Row, ...] = (
    Row("GET /health", "system.get_health", reply=_health),
    Row(
        f"POST {PREFIX}/email/templates",
        "templates.create_template",
        request=_new_template,
        reply=_template,
        fields=TEMPLATE_FIELDS,
    ),
)
