"""Hostile values for every field of every body: each example of success, with one field replaced by each of them.

What must come of it: an error that names a field, or the value as it was. Never a fault of ours, never a long refusal,
never anything of another tenant.
"""

import itertools
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drumbeat import clock

from tests import event_files, harness
from tests.harness import Reply
from tests.world import World, all_functions

METHODS = ("POST", "PUT", "PATCH")
# What moto does not know.
SIMULATED = frozenset({"ses:GetAccount", "ses:SendBulkEmail"})
LONGEST_REFUSAL = 20_000
SECRET = "globex-secret"
_MARK = "@@ the hostile value @@"
Place = tuple[str | int, ...]

# As they are on the wire: JSON of several kinds of wrong, and right JSON that code tends to stumble over.
VALUES: dict[str, bytes] = {
    "null": b"null", "true": b"true", "zero": b"0", "minus one": b"-1", "a fraction": b"0.1",
    "400 digits": b"9" * 400, "10,000 digits": b"9" * 10_000, "1e400": b"1e400", "NaN": b"NaN",
    "-Infinity": b"-Infinity", "2^63": b"9223372036854775808", "1e308": b"1e308", "1e-400": b"1e-400",
    "60 decimals": b"0." + b"1" * 60, "empty text": b'""', "blanks": b'"  "', "NUL": b'"a\\u0000b"',
    "lone surrogate": b'"\\ud800"', "lone surrogate in UTF-8": b'"\xed\xa0\x80"', "no UTF-8": b'"\xff\xfe"',
    "2 KB": b'"' + b"x" * 2100 + b'"', "400 KB": b'"' + b"x" * 400_000 + b'"',
    "300 KB of Bangla": b'"' + "আ".encode() * 100_000 + b'"', "BOM": b'"\\ufeffx"',
    "emoji and right to left": '"😀👩‍👩‍👧 \u202eRTL مرحبا"'.encode(),
    "quotes and markup": b'"\'\\"<script>{{ x }}{% if"',
    "no characters": b'"\\ufdd0\\uffff"', "line breaks": b'"a\\r\\nb"', "key separator": b'"a#b"',
    "path": b'"../../x"', "empty object": b"{}", "empty list": b"[]",
    "keys of JavaScript": b'{"__proto__":{"x":1},"constructor":{"prototype":1},"toString":1}',
    "empty key": b'{"":1}', "a key twice": b'{"a":1,"a":2}', "lone surrogate as key": b'{"\\ud800":1}',
    "NUL as key": b'{"\\u0000":1}', "70 KB key": b'{"' + b"k" * 70_000 + b'":1}',
    "5,000 keys": json.dumps(dict.fromkeys(map(str, range(5000)), 1)).encode(),
    "100 lists deep": b"[" * 100 + b"]" * 100, "10,000 lists deep": b"[" * 10_000 + b"]" * 10_000,
    "150 objects deep": b'{"a":' * 150 + b"1" + b"}" * 150, "100,000 numbers": b"[" + b"1," * 99_999 + b"1]",
    "2,000 objects": b"[" + b"{}," * 1999 + b"{}]", "mixed list": b'["\\u0000",null,[],{},true,"\\u0000"]',
}  # fmt: skip


@dataclass(frozen=True)
class Example:
    """An event file of success with a body."""

    function: str
    name: str
    case: Mapping[str, Any]

    @property
    def route(self) -> str:
        own = harness.function(self.function).declaration.route or ""
        return str(self.case["request"].get("route", own))

    @property
    def simulated(self) -> bool:
        """Whether something of it asks SES for what only the provider's simulator answers."""
        called = {self.function, *(step["call"] for step in self.case.get("given", []) if "call" in step)}
        return any(SIMULATED & set(harness.function(name).declaration.calls) for name in called)

    def prepared(self) -> tuple[World, dict[str, Any]]:
        """A world in which the example's request succeeds, and that request."""
        world = World()
        world.build()
        _plant()
        kept: dict[str, Any] = {"now": clock.iso(clock.business())}
        for step in self.case.get("given", []):
            event_files.given(world, step, kept, self.name)
        return world, event_files.filled(dict(self.case["request"]), kept)


def _plant() -> None:
    """Something of another tenant that must not show up in any answer to acme."""
    event_files.put_row({
        "pk": {"S": f"CONTACT#ten_globex#{SECRET}"}, "sk": {"S": "CONTACT"}, "tenant": {"S": "ten_globex"},
        "contact_id": {"S": SECRET}, "email": {"S": f"{SECRET}@globex.example"},
    })  # fmt: skip


def examples(only: str = "") -> list[Example]:
    """The first example of every way to call a function with a body that changes something."""
    found: dict[tuple[str, str], Example] = {}
    for name, function in sorted(all_functions().items()):
        if function.declaration.kind != "http" or only not in name:
            continue
        for file in sorted((harness.ROOT / "events" / name.replace(".", "/")).glob("*.json")):
            case = json.loads(file.read_text(encoding="utf-8"))
            if "body" in case.get("request", ()) and case["response"]["status"] < 400:
                example = Example(name, f"{name}/{file.stem}", case)
                if example.route.split(" ")[0] in METHODS:
                    found.setdefault((name, example.route), example)
    return list(found.values())


def places(body: Any, at: Place = ()) -> Iterator[Place]:
    """Every field of a body, also within others; of a list the first element."""
    if at:
        yield at
    steps: Sequence[tuple[str | int, Any]] = (
        list(body.items()) if isinstance(body, dict) else list(enumerate(body[:1])) if isinstance(body, list) else ()
    )
    for step, value in steps:
        yield from places(value, (*at, step))


def replaced(body: Any, at: Place, value: bytes) -> bytes:
    """The body as JSON, with `value` as it is at a place."""

    def marked(part: Any, steps: Place) -> Any:
        if not steps:
            return _MARK
        copy: Any = dict(part) if isinstance(part, dict) else list(part)
        copy[steps[0]] = marked(part[steps[0]], steps[1:])
        return copy

    return json.dumps(marked(body, at)).encode().replace(json.dumps(_MARK).encode(), value)


def walk(example: Example, names: Iterator[str], each: int, until: float = math.inf) -> Iterator[str]:
    """Put `each` of the named values into every field, one after the other; what was wrong, a line each. Ends early at
    `until` (of the monotonic clock)."""
    world, request = example.prepared()
    for at in places(request["body"]):
        for name in itertools.islice(names, each):
            if time.monotonic() > until:
                return
            reply = tried(world, example, request, at, VALUES[name])
            yield from (f"{example.name} {list(at)} = {name}: {one}" for one in problems(reply, at, VALUES[name]))
            if reply.status < 400:  # what is there now is not what the example expects
                world, request = example.prepared()


def tried(world: World, example: Example, request: Mapping[str, Any], at: Place, value: bytes) -> Reply:
    """What the function answers to the example's request with the value in that place."""
    return event_files.called(world, example.function, {**request, "body": replaced(request["body"], at, value)})


def problems(reply: Reply, at: Place, value: bytes) -> list[str]:
    """What is wrong with an answer to a hostile value."""
    found = []
    if reply.status >= 500:
        found.append(f"a fault: {reply.status}")
    if SECRET in reply.text:
        found.append("something of another tenant")
    if reply.status >= 400:
        found += _of_refusal(reply)
    elif (sent := _parsed(value)) is _NO_JSON:
        found.append(f"{reply.status} for what is no JSON")
    elif isinstance(sent, str) and not any(isinstance(step, int) for step in at):  # rows are judged one by one
        held = [one for one in _under(reply, at[-1]) if isinstance(one, str)]
        if held and not any(_same(one, sent) for one in held):
            found.append(f"came back as {held[0][:60]!r}")
    return found


def _of_refusal(reply: Reply) -> Iterator[str]:
    if len(reply.text) > LONGEST_REFUSAL:
        yield f"an answer of {len(reply.text)} bytes"
    error = reply.body.get("error")
    if reply.status == 422 and isinstance(error, dict) and not error["details"]:
        yield "a refusal that names no field"
    if not (error or reply.body.get("message")):
        yield "a refusal that says nothing"


_NO_JSON = object()


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _parsed(value: bytes) -> Any:
    try:
        return json.loads(value.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return _NO_JSON


def _under(reply: Reply, name: str | int) -> list[Any]:
    """All values that an answer has under a name."""
    found: list[Any] = []

    def look(part: Any) -> None:
        if isinstance(part, dict):
            found.extend(value for key, value in part.items() if key == name)
            for value in part.values():
                look(value)
        elif isinstance(part, list):
            for value in part[:20]:
                look(value)

    look(reply.body if reply.text.startswith("{") else None)
    return found


def _same(held: str, sent: str) -> bool:
    """Whether a text came back as it was, but for blanks around it, a file's folders, what a preview adds, and what a
    subject makes of control characters."""
    bare = sent.strip()
    line = " ".join("".join(" " if letter < " " else letter for letter in bare).split())
    return held in (sent, bare, bare.rpartition("/")[2]) or held.startswith((bare, line))
