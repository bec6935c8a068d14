"""The part of Handlebars that SES renders here: `{{name}}`, `{{a.b}}`, `{{{raw}}}`, comments, and `\\{{` as a literal.

SES does not escape HTML. Everything else of the language (blocks, helpers, partials) is a rendering failure.
"""

from __future__ import annotations

import re
from typing import Any

# Handlebars: one backslash before a mustache makes it literal, two are one backslash before a real mustache.
_MUSTACHE = re.compile(r"(\\{0,2})(?:\{\{\{(?P<raw>.*?)\}\}\}|\{\{(?P<name>.*?)\}\}|\{\{)", re.DOTALL)
_PATH = re.compile(r"[^\s!\"#%&'()*+,./;<=>@\[\\\]^`{|}~]+(?:\.[^\s!\"#%&'()*+,./;<=>@\[\\\]^`{|}~]+)*")


class RenderingFailure(Exception):
    """SES would publish a Rendering Failure with this text."""


class Template:
    """A compiled text. `required` are the top-level names that must be present in the data."""

    def __init__(self, source: str) -> None:
        self.parts: list[str | tuple[str, ...]] = []
        self.error: str | None = None
        at = 0
        for found in _MUSTACHE.finditer(source):
            slashes, raw, name = found.group(1), found.group("raw"), found.group("name")
            self.parts.append(source[at : found.start()])
            at = found.end()
            if slashes == "\\":
                self.parts.append(found.group(0)[1:])
                continue
            self.parts.append(slashes[1:])
            self._expression(raw if raw is not None else name)
        self.parts.append(source[at:])
        self.required = frozenset(part[0] for part in self.parts if isinstance(part, tuple))

    def _expression(self, inner: str | None) -> None:
        if inner is None:
            self.error = self.error or "Template has an opening {{ without its end."
            return
        name = inner.strip().removeprefix("&").strip()
        if name.startswith("!"):
            return
        if not _PATH.fullmatch(name):
            self.error = self.error or f"Unknown helper or expression '{name[:60]}' in the template."
            return
        self.parts.append(tuple(name.split(".")))

    def check(self, data: dict[str, Any]) -> None:
        """RenderingFailure when the text cannot be rendered with `data`, without rendering it."""
        if self.error:
            raise RenderingFailure(self.error)
        if not self.required <= data.keys():
            missing = sorted(self.required - data.keys())[0]
            raise RenderingFailure(f"Attribute '{missing}' is not present in the rendering data.")

    def render(self, data: dict[str, Any]) -> str:
        """The text for one recipient; RenderingFailure when a name is missing."""
        self.check(data)
        return "".join([part if isinstance(part, str) else _value(part, data) for part in self.parts])


def _value(path: tuple[str, ...], data: Any) -> str:
    for step in path:
        if not isinstance(data, dict) or step not in data:
            raise RenderingFailure(f"Attribute '{'.'.join(path)}' is not present in the rendering data.")
        data = data[step]
    if isinstance(data, str):
        return data
    if data is None:
        return ""
    if isinstance(data, bool):
        return str(data).lower()
    return ",".join(map(str, data)) if isinstance(data, list) else str(data)
