"""SendGrid's dynamic templates: the part of Handlebars that it documents (twilio.com/docs/sendgrid/for-developers/
sending-email/using-handlebars): values, `if`, `unless`, `each` and `else`. What is missing is empty, and no failure.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

_TAG = re.compile(
    r"\{\{\{\s*([\w@./-]+)\s*\}\}\}|\{\{\s*(#(?:if|unless|each)\s+[\w@./-]+|/\w+|else|!.*?|[\w@./-]+)\s*\}\}"
)
Node = tuple[str, Any]


def render(source: str, data: dict[str, Any], *, html: bool = True) -> str:
    """The text for one recipient. In HTML `{{…}}` is escaped, `{{{…}}}` is not."""
    return _rendered(_parsed(source), [data], html)


def _parsed(source: str) -> list[Node]:
    """Nodes: ("text", text), ("value", (path, raw)), or (block, (path, its nodes, the nodes behind its else))."""
    root: list[Node] = []
    open_: list[tuple[list[Node], list[list[Node]]]] = []
    nodes, at = root, 0
    for found in _TAG.finditer(source):
        nodes.append(("text", source[at : found.start()]))
        at = found.end()
        raw, tag = found.group(1), found.group(2)
        if raw is not None:
            nodes.append(("value", (raw, True)))
        elif tag.startswith("#"):
            kind, path = tag[1:].split()
            branches: list[list[Node]] = [[], []]
            nodes.append((kind, (path, branches)))
            open_.append((nodes, branches))
            nodes = branches[0]
        elif tag == "else" and open_:
            nodes = open_[-1][1][1]
        elif tag.startswith("/") and open_:
            nodes, _ = open_.pop()
        elif not tag.startswith(("!", "/")):
            nodes.append(("value", (tag, False)))
    nodes.append(("text", source[at:]))
    return root


def _rendered(nodes: list[Node], scopes: list[Any], html: bool) -> str:
    out = []
    for kind, what in nodes:
        if kind == "text":
            out.append(what)
        elif kind == "value":
            path, raw = what
            text = _shown(_value(path, scopes))
            out.append(escape(text) if html and not raw else text)
        else:
            path, (then, otherwise) = what
            value = _value(path, scopes)
            if kind == "each" and value:
                out += [_rendered(then, [*scopes, one], html) for one in value]
            else:
                wanted = bool(value) != (kind == "unless") and kind != "each"
                out.append(_rendered(then if wanted else otherwise, scopes, html))
    return "".join(out)


def _value(path: str, scopes: list[Any]) -> Any:
    if path in ("this", "."):
        return scopes[-1]
    if path.startswith("@root."):
        path, scopes = path.removeprefix("@root."), scopes[:1]
    value = scopes[-1]
    for name in path.removeprefix("this.").split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _shown(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
