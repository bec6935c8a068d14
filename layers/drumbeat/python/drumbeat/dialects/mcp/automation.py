"""mcp-marketing.md: automation rules and e-mail sequences. The document names the two requests and their limits, and no
body: what is natural is understood (drumbeat.journeys.documented)."""

from collections.abc import Callable
from typing import Any

from drumbeat.dialects import Asked, Row

_OURS = ("name", "names", "description")
_SWITCH = ("enabled", "is_active", "active")


def _new(face: str) -> Callable[[Asked], Asked]:
    """What is no field of every journey is the rule's, or the sequence's; it runs unless it is switched off."""

    def request(asked: Asked) -> Asked:
        if not isinstance(asked.body, dict):
            return asked
        body = {name: value for name, value in asked.body.items() if name in _OURS}
        switched = [asked.body[name] for name in _SWITCH if name in asked.body]
        body["activate"] = switched[0] if switched else True
        body[face] = {name: value for name, value in asked.body.items() if name not in (*_OURS, *_SWITCH)}
        return Asked(asked.path, asked.query, body)

    return request


def _made(face: str) -> Callable[[Any, Asked], Any]:
    def reply(data: Any, asked: Asked) -> Any:
        return {
            "id": data["id"], f"{face}_id": data["id"], "name": data["name"], "description": data["description"],
            **(data[face] or {}), "enabled": data["status"] == "active", "status": data["status"],
            "created_at": data["created_at"], "updated_at": data["updated_at"],
        }  # fmt: skip

    return reply


def rows(prefix: str) -> tuple[Row, ...]:
    return tuple(
        Row(
            f"POST {prefix}/automation/{face}s", "journeys.create_journey", request=_new(face), reply=_made(face),
            fields={face: "", "activate": "enabled"},
        )
        for face in ("rule", "sequence")
    )  # fmt: skip
