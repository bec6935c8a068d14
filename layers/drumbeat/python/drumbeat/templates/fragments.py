"""Names of fragments, and static text as SES takes it: SES reads Handlebars."""

from __future__ import annotations

import re

# `{{` opens, `{{{` and `}}}` are another syntax, a backslash before `{{` escapes it.
_BRACES = re.compile(r"[\\{}]+")


class Names:
    """Hands out fragment names; equal constants and equal plain outputs share one."""

    def __init__(self) -> None:
        self.constants: dict[str, str] = {}
        self.shared: dict[tuple[bool, str], str] = {}
        self._count = 0
        self._constant_names: dict[str, str] = {}

    def new(self) -> str:
        self._count += 1
        return f"f{self._count - 1}"

    def constant(self, text: str) -> str:
        if text not in self._constant_names:
            self._constant_names[text] = self.new()
            self.constants[self._constant_names[text]] = text
        return self._constant_names[text]


def handlebars(pieces: list[tuple[str, str | None]], names: Names) -> str:
    """Static text and fragments as a SES template, with dangerous braces made constants."""
    out: list[str] = []
    for index, (text, name) in enumerate(pieces):
        if name is not None:
            out.append(f"{{{{{name}}}}}")
            continue
        after, before = index > 0, index < len(pieces) - 1

        def guard(match: re.Match[str], text: str = text, after: bool = after, before: bool = before) -> str:
            touches = (after and match.start() == 0) or (before and match.end() == len(text))
            return f"{{{{{names.constant(match[0])}}}}}" if touches or "{{" in match[0] else match[0]

        out.append(_BRACES.sub(guard, text))
    return "".join(out)
