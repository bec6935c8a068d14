"""The published events' JSON Schemas, for tests: `validate(frame)`; `watch` holds every PutEvents call to them."""

import functools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from drumbeat import aws
from jsonschema import Draft202012Validator

FOLDER = Path(__file__).parent.parent / "events" / "schemas"


@functools.cache
def registry() -> dict[str, Draft202012Validator]:
    """Event type → validator, from the files."""
    found = {}
    for file in sorted(FOLDER.glob("*.json")):
        schema = json.loads(file.read_text(encoding="utf-8"))
        Draft202012Validator.check_schema(schema)
        found[file.stem] = Draft202012Validator(schema)
    return found


def validate(frame: Any) -> None:
    """Fail unless the frame is an event of a known type that its schema allows."""
    validator = registry().get(frame.get("event_type"))
    assert validator, f"events/schemas has no {frame.get('event_type')}.json"
    problems = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(frame)]
    assert not problems, problems


def validate_published(frame: Any) -> None:
    """As `validate`; besides, what we publish always names its tenant and has an id."""
    validate(frame)
    assert {"tenant_id", "event_id"} <= set(frame["metadata"]), frame


@contextmanager
def watch() -> Iterator[list[dict[str, Any]]]:
    """The frames of all PutEvents calls within, in their order, each one valid. Stand inside moto's mock."""
    frames: list[dict[str, Any]] = []

    def look(params: dict[str, Any], **_: Any) -> None:
        for entry in params["Entries"]:
            frame = json.loads(entry["Detail"])
            assert entry["DetailType"] == frame["event_type"]
            assert entry["Source"] == "drumbeat"
            validate_published(frame)
            frames.append(frame)

    events = aws.client("events").meta.events
    events.register("before-parameter-build.events.PutEvents", look, unique_id="watch-published")
    try:
        yield frames
    finally:
        events.unregister("before-parameter-build.events.PutEvents", unique_id="watch-published")
