"""Examples for the API's document, from `events/<context>/<function>/<case>.json`, which the tests run.

An event file says what a response must have; what it leaves open is filled from the schema with fixed, plausible
values, so that the same sources always give the same document.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drumbeat import ids

from infra.discovery import REPOSITORY

EVENTS = REPOSITORY / "events"
INSTANT = "2026-01-15T09:30:00.000Z"
REQUEST_ID = ids.derived("req", "example")
PREFIXES = {
    "contact": "con", "user": "usr", "tenant": "ten", "segment": "seg", "template": "tpl", "campaign": "cmp",
    "send": "snd", "import": "imp", "event": "evt", "job": "job",
}  # fmt: skip
DEEPEST = 8
_LEFT = re.compile(r"(?<!{){(\w+)((?:\.\w+)+)}(?!})")
_PLACE = re.compile(r"(?<!{){(\w+)((?:\.\w+)*)}(?!})")
_TEXTS = {
    "email": "ada@example.com", "currency": "USD", "language": "en", "time_zone": "UTC", "phone": "+8801712345678",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """An event file of a function with a route."""

    name: str
    summary: str
    given: tuple[Mapping[str, Any], ...]
    request: Mapping[str, Any]
    response: Mapping[str, Any]

    @property
    def status(self) -> int:
        return int(self.response["status"])

    @property
    def route(self) -> str | None:
        """The documented route that it asks by; None for the canonical one."""
        route: str | None = self.request.get("route")
        return route


def cases(function: str, events: Path = EVENTS) -> list[Case]:
    """The requests of a function's event files, in the order of their names."""
    context, verb = function.split(".")
    found = []
    for path in sorted((events / context / verb).glob("*.json")):
        said = json.loads(path.read_text(encoding="utf-8"))
        if "request" in said:
            given = tuple(said.get("given", ()))
            found.append(Case(path.stem, said.get("summary", ""), given, said["request"], said["response"]))
    return found


def filled(value: Any, kept: Mapping[str, Any], absent: Callable[[str, str], Any] | None = None) -> Any:
    """The value with `{contact.id}` and the like replaced by what `given` calls have kept; alone in a text it keeps its
    type, and names of nothing kept stay as they are. `absent` gives what stands for a part (`id`) that what was kept
    (`contact`) has not, by default a plausible text."""
    if isinstance(value, dict):
        return {key: filled(item, kept, absent) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, kept, absent) for item in value]
    if not isinstance(value, str):
        return value
    whole = _PLACE.fullmatch(value)
    if whole and whole[1] in kept:
        return _part(whole, kept, absent or text)
    return _PLACE.sub(lambda place: str(_part(place, kept, absent or text)) if place[1] in kept else place[0], value)


def _part(place: re.Match[str], kept: Mapping[str, Any], absent: Callable[[str, str], Any]) -> Any:
    found: Any = kept[place[1]]
    for step in place[2].split(".")[1:]:
        if isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        elif isinstance(found, dict) and step in found:
            found = found[step]
        else:
            return absent(step, place[1])
    return found


def settled(value: Any) -> Any:
    """The value with a plausible text for every `{contact.id}` that is left."""
    if isinstance(value, dict):
        return {key: settled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [settled(item) for item in value]
    if isinstance(value, str):
        return _LEFT.sub(lambda place: text(place[2].rsplit(".", 1)[1], place[1]), value)
    return value


def overlaid(sample: Any, wanted: Any, full: Any = None) -> Any:
    """What an event file wants, over a sample of the schema; `<any>` is the sample's value.

    `full` is a sample that has what may be null, for where the event file wants that.
    """
    if isinstance(wanted, dict):
        under = sample if isinstance(sample, dict) else full if isinstance(full, dict) else {}
        more = full if isinstance(full, dict) else {}
        return {**under, **{key: overlaid(under.get(key), value, more.get(key)) for key, value in wanted.items()}}
    if isinstance(wanted, list):
        items = next((one for one in (sample, full) if isinstance(one, list) and one), [None])
        more_items = full if isinstance(full, list) and full else [None]
        return [overlaid(items[0], value, more_items[0]) for value in wanted]
    if wanted == "<any>":
        return next((one for one in (sample, full) if one is not None), "…")
    if wanted == "<instant>":
        return INSTANT
    if isinstance(wanted, str) and (kind := re.fullmatch(r"<id (\w+)>", wanted)):
        return ids.derived(kind[1], "example")
    return wanted


def sample(
    schema: Mapping[str, Any],
    definitions: Mapping[str, Any],
    name: str = "",
    own: str = "",
    *,
    nulls: bool = True,
    deep: int = 0,
) -> Any:
    """A value that a JSON Schema of ours allows. `own` names the kind of object whose `id` it may have; without `nulls`
    it has what is null or empty by default."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[1]]
    for key in ("const", "default"):
        if key in schema and (nulls or schema[key] not in (None, [], {})):
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    choices = [choice for choice in schema.get("anyOf") or schema.get("oneOf") or () if choice.get("type") != "null"]
    if choices:
        return sample(choices[0], definitions, name, own, nulls=nulls, deep=deep)
    kind = schema.get("type")
    if kind == "object":
        properties = schema.get("properties", {}) if deep < DEEPEST else {}
        return {
            key: sample(value, definitions, key, own, nulls=nulls, deep=deep + 1) for key, value in properties.items()
        }
    if kind == "array":
        items = schema.get("items", {})
        return [sample(items, definitions, name, own, nulls=nulls, deep=deep + 1)] if items and deep < DEEPEST else []
    if kind in ("integer", "number"):
        return 20 if name == "limit" else schema.get("minimum", 0)
    return {"string": text(name, own), "boolean": False, "null": None}.get(str(kind), {})


def text(name: str, own: str = "") -> str:
    """A plausible text for a property of this name."""
    if name in ("at", "timestamp", "since") or name.endswith("_at"):
        return INSTANT
    kind = own if name == "id" else name.removesuffix("_id")
    if kind in PREFIXES and (name == "id" or name.endswith("_id")):
        return ids.derived(PREFIXES[kind], "example")
    return _TEXTS.get(name, "…")


def inferred(value: Any, *, answer: bool = False) -> dict[str, Any]:
    """A JSON Schema of what a value looks like: for documented requests and answers, which no model describes.

    In an `answer`, what an example shows may be null where there is nothing to show, and a number may have a fraction.
    """
    if isinstance(value, dict):
        properties = {key: inferred(item, answer=answer) for key, item in value.items()}
        return {"type": _kind("object", answer), "properties": properties}
    if isinstance(value, list):
        items = inferred(value[0], answer=answer) if value else {}
        return {"type": "array", "items": items}
    names = {bool: "boolean", int: "number" if answer else "integer", float: "number", str: "string"}
    return {"type": _kind(names[type(value)], answer)} if type(value) in names else {}


def _kind(name: str, answer: bool) -> str | list[str]:
    return [name, "null"] if answer else name


def typed(value: Any, schema: Mapping[str, Any]) -> Any:
    """A query's text as its schema has it."""
    kinds = {choice.get("type") for choice in (schema, *schema.get("anyOf", ()))}
    if isinstance(value, str) and kinds & {"integer", "number"} and re.fullmatch(r"-?\d+", value):
        return int(value)
    if isinstance(value, str) and "boolean" in kinds and value in ("true", "false"):
        return value == "true"
    return value
