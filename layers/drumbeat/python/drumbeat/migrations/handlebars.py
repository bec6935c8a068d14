"""Pinpoint's templates (Handlebars with helpers) as Liquid. Pure.

Source: docs.aws.amazon.com/pinpoint/latest/userguide/message-template-helpers.html. Attributes are lists there, `.[0]`
is their first value; here one value is plain, and `compact | first` gives the first of either.

    {{User.UserAttributes.City.[0]}}                {{ attributes.City | compact | first }}
    {{#if Attributes.Plan}}a{{else}}b{{/if}}        {% if attributes.Plan and … != blank %}a{% else %}b{% endif %}
    {{#each Attributes.Colours}}{{this}}{{/each}}   {% for item1 in attributes.Colours %}{{ item1 }}{% endfor %}
    {{#gt Attributes.Age.[0] "17"}}…{{/gt}}         {% assign number1 = … | plus: 0 %}{% if number1 > 17 %}…{% endif %}
"""

import html
import re
from collections.abc import Mapping, Sequence
from typing import Final

from drumbeat.contacts.imports import pinpoint
from drumbeat.migrations import expressions
from drumbeat.migrations.expressions import NUMBER, unquoted
from drumbeat.migrations.expressions import Untranslatable as Untranslatable

_TAG = re.compile(r"\{\{(?P<comment>!--.*?--|!.*?)\}\}|\{\{\{(?P<raw>.*?)\}\}\}|\{\{(?P<tag>.*?)\}\}", re.DOTALL)
_INLINE = re.compile(r"\{\{#\*\s*inline\s+[\"'](?P<name>[^\"']+)[\"']\s*\}\}(?P<body>.*?)\{\{/inline\}\}", re.DOTALL)
_PARTIAL = re.compile(r"\{\{>\s*(?P<name>[\w.-]+)\s*\}\}")
_COMPARED: Final = {"eq": "==", "neq": "!=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_INVERSE: Final = {"==": "!=", "!=": "==", ">": "<=", ">=": "<", "<": ">=", "<=": ">"}
# Helper → filter, and how many arguments it takes at most.
_FILTERS: Final[Mapping[str, tuple[str, int]]] = {
    "upper": ("upcase", 0), "lower": ("downcase", 0), "stripTags": ("strip_html", 0), "abbreviate": ("truncate", 1),
    "join": ("compact | join", 1), "replace": ("replace", 2), "cut": ("remove", 1), "add": ("plus", 1),
    "subtract": ("minus", 1), "multiply": ("times", 1), "modulo": ("modulo", 1), "round": ("round", 0),
    "floor": ("floor", 0), "ceiling": ("ceil", 0), "encode64": ("base64_encode", 0), "decode64": ("base64_decode", 0),
    "capitalizeFirst": ("capitalize", 0),
}  # fmt: skip
_DATES: Final = {
    "full": "%A, %B %-d, %Y", "long": "%B %-d, %Y", "medium": "%b %-d, %Y", "short": "%-m/%-d/%y",
}  # fmt: skip
_PLAIN: Final = {
    "Address": "email", "User.UserId": "external_id", "Demographic.Locale": "language",
}  # fmt: skip
DIFFERENT: Final = {
    "capitalizeFirst": "capitalizeFirst leaves the letters behind the first as they are; here they become small",
    "number": "values are compared as numbers",
    "raw": "{{{ }}} puts values in without escaping; here every value is escaped",
    "Demographic.Locale": "a locale such as en_US is written en-US here",
    "list": "a list without an index is shown with its values joined by commas",
}


class Translation:
    """Liquid for the parts of one template. `differences` are what it does in another way."""

    def __init__(self, defaults: Mapping[str, str] | None = None) -> None:
        self.defaults = defaults or {}
        self.differences: list[str] = []
        self.items: list[str] = []
        self.numbers = 0
        self.escaped = False

    def liquid(self, source: str, *, escaped: bool = False) -> str:
        """The Liquid of a part; with `escaped`, what is text becomes HTML. Raises Untranslatable."""
        self.escaped = escaped
        partials = {found["name"]: found["body"] for found in _INLINE.finditer(source)}
        source = _INLINE.sub("", source)
        source = _PARTIAL.sub(lambda found: partials.get(found["name"], found[0]), source)
        made, place, opened = [], 0, list[tuple[str, str]]()
        for found in _TAG.finditer(source):
            made.append(self._literal(source[place : found.start()]))
            place = found.end()
            if found["comment"] is not None:
                continue
            if found["raw"] is not None:
                self._differs("raw")
            inner = (found["raw"] if found["raw"] is not None else found["tag"]).strip("~ \t\r\n")
            made.append(self._tag(inner, opened))
        if opened:
            raise Untranslatable(f"{{{{#{opened[-1][0]}}}}} is never closed")
        return "".join([*made, self._literal(source[place:])])

    def _literal(self, text: str) -> str:
        if "{%" in text:
            raise Untranslatable("the text has {%, which begins a tag in Liquid")
        return html.escape(text, quote=False) if self.escaped else text

    def _differs(self, name: str) -> None:
        if DIFFERENT[name] not in self.differences:
            self.differences.append(DIFFERENT[name])

    def _tag(self, inner: str, opened: list[tuple[str, str]]) -> str:
        if inner.startswith(">"):
            raise Untranslatable(f"there is no partial {inner[1:].strip()!r}")
        if inner.startswith("#"):
            return self._open(expressions.words(inner[1:]), opened)
        if inner in ("else", "^"):
            return "{% else %}"
        if inner.startswith("else "):
            raise Untranslatable("{{else if}} chains: write them as nested blocks")
        if inner.startswith("/"):
            return self._close(inner[1:].strip(), opened)
        return self._output(expressions.words(inner))

    def _open(self, words: Sequence[str], opened: list[tuple[str, str]]) -> str:
        helper, arguments = words[0], words[1:]
        if helper == "each":
            listed, _ = self._path(expressions.only(helper, arguments))
            self.items.append(f"item{len(self.items) + 1}")
            opened.append((helper, "{% endfor %}"))
            return f"{{% for {self.items[-1]} in {listed} %}}"
        if helper in ("unless", "not"):
            opened.append((helper, "{% endunless %}"))
            before, condition = self._condition(arguments)
            return f"{before}{{% unless {condition} %}}"
        if helper == "if" or helper in _COMPARED or helper in ("and", "or"):
            opened.append((helper, "{% endif %}"))
            before, condition = self._condition(arguments if helper == "if" else words)
            return f"{before}{{% if {condition} %}}"
        raise Untranslatable(f"the block helper {helper!r} has no counterpart")

    def _close(self, helper: str, opened: list[tuple[str, str]]) -> str:
        if not opened or opened[-1][0] != helper:
            raise Untranslatable(f"{{{{/{helper}}}}} closes nothing")
        if helper == "each":
            self.items.pop()
        return opened.pop()[1]

    def _output(self, words: Sequence[str]) -> str:
        head, rest = words[0], words[1:]
        if not rest and head not in ("now", "uuid"):
            value, is_list = self._path(head)
            if is_list:
                self._differs("list")
                value += ' | compact | join: ", "'
            return f"{{{{ {value}{self._default(head)} }}}}"
        plain, named = expressions.arguments(rest)
        if head in _COMPARED or head in ("and", "or", "not", "if"):
            before, condition = self._condition([head, *plain] if head != "if" else plain)
            yes, no = named.get("yes", "true"), named.get("no", "false")
            return f"{before}{{% if {condition} %}}{yes}{{% else %}}{no}{{% endif %}}"
        if head == "now":
            pattern = _DATES.get(unquoted(plain[0]) if plain else "medium")
            if pattern is None:
                raise Untranslatable("the helper 'now' with a pattern of its own")
            zone = f', timezone: "{named["tz"]}"' if "tz" in named else ""
            return f'{{{{ "now" | date: "{pattern}"{zone} }}}}'
        return f"{{{{ {self._filtered(head, plain, named)} }}}}"

    def _filtered(self, helper: str, plain: Sequence[str], named: Mapping[str, str]) -> str:
        if helper in DIFFERENT:
            self._differs(helper)
        if helper == "substring" and plain:
            return self._substring(plain)
        if helper == "divide" and len(plain) == 2:
            return f"{self._value(plain[0])} | times: 1.0 | divided_by: {self._value(plain[1])}"
        known = _FILTERS.get(helper)
        if known is None or named or not 1 <= len(plain) <= known[1] + 1:
            raise Untranslatable(f"the helper {helper!r} has no counterpart")
        value = self._path(plain[0])[0] if helper == "join" else self._value(plain[0])
        arguments = ", ".join(self._value(word) for word in plain[1:])
        return f"{value} | {known[0]}{': ' + arguments if arguments else ''}"

    def _substring(self, plain: Sequence[str]) -> str:
        if not all(word.isdecimal() for word in plain[1:]) or len(plain) not in (2, 3):
            raise Untranslatable("the helper 'substring' with other than one or two plain numbers")
        start = int(plain[1])
        length = int(plain[2]) - start if len(plain) == 3 else 100_000
        return f"{self._value(plain[0])} | slice: {start}, {length}"

    def _condition(self, words: Sequence[str]) -> tuple[str, str]:
        """(what must stand before it, a condition of Liquid), which knows neither brackets nor `not`."""
        parts = expressions.grouped(words)
        if len(parts) == 1 and isinstance(parts[0], list):
            return self._condition(parts[0])
        head = parts[0]
        if len(parts) == 1 and isinstance(head, str):
            value, _ = self._path(head)
            before, name = self._assigned(value)
            return before, f"{name} and {name} != blank"
        if head in ("and", "or"):
            return self._joined(str(head), parts[1:])
        if head == "not" and len(parts) == 2:
            before, condition = self._condition(expressions.flat(parts[1]))
            found = re.fullmatch(r"(\S+) (==|!=|>=|<=|>|<) (.+)", condition)
            if found is None or " and " in condition:
                raise Untranslatable("'not' of more than a comparison inside a condition")
            return before, f"{found[1]} {_INVERSE[found[2]]} {found[3]}"
        if isinstance(head, str) and head in _COMPARED and len(parts) == 3:
            return self._comparison(head, parts[1:])
        raise Untranslatable(f"the condition {' '.join(words)!r}")

    def _joined(self, logic: str, parts: "Sequence[str | list[str]]") -> tuple[str, str]:
        before, conditions = "", []
        for part in parts:
            first, condition = self._condition(expressions.flat(part))
            if logic == "or" and " and " in condition:
                condition = condition.split(" and ")[0]
            if (" or " if logic == "and" else " and ") in condition:
                raise Untranslatable("'and' and 'or' in one condition")
            before += first
            conditions.append(condition)
        return before, f" {logic} ".join(conditions)

    def _comparison(self, helper: str, parts: "Sequence[str | list[str]]") -> tuple[str, str]:
        one, other = (expressions.word(part) for part in parts)
        sign = _COMPARED[helper]
        if helper in ("eq", "neq"):
            before, left = self._assigned(self._value(one))
            more, right = self._assigned(self._value(other))
            return before + more, f"{left} {sign} {right}"
        self._differs("number")
        before, left = self._number(one)
        more, right = self._number(other)
        return before + more, f"{left} {sign} {right}"

    def _number(self, word: str) -> tuple[str, str]:
        if NUMBER.fullmatch(unquoted(word)):
            return "", unquoted(word)
        self.numbers += 1
        return f"{{% assign number{self.numbers} = {self._value(word)} | plus: 0 %}}", f"number{self.numbers}"

    def _assigned(self, value: str) -> tuple[str, str]:
        """A value that a condition can take: Liquid's conditions have no filters."""
        if "|" not in value or value.startswith(('"', "'")):
            return "", value
        self.numbers += 1
        return f"{{% assign value{self.numbers} = {value} %}}", f"value{self.numbers}"

    def _value(self, word: str) -> str:
        """A literal, or one value of a path."""
        if word[:1] in "\"'" or NUMBER.fullmatch(word) or word in ("true", "false"):
            return word
        value, is_list = self._path(word)
        return f"{value} | compact | first" if is_list else value

    def _path(self, path: str) -> tuple[str, bool]:
        """Liquid for a variable, and whether it may be a list."""
        if path in ("this", ".") and self.items:
            return self.items[-1], False
        if path == "@index" and self.items:
            return "forloop.index0", False
        found = re.fullmatch(r"(.+?)\.?\[(\d+)\]", path)
        name, index = (found[1], int(found[2])) if found else (path, None)
        field = self._field(name)
        if not field.startswith("attributes."):
            return field, False
        value = expressions.key(field.removeprefix("attributes."))
        if index == 0:
            return f"{value} | compact | first", False
        if index is not None:
            return f"{value}[{index}]", False
        return value, name.startswith(("Attributes.", "User.UserAttributes."))

    def _field(self, name: str) -> str:
        if name in _PLAIN:
            if name in DIFFERENT:
                self._differs(name)
            return _PLAIN[name]
        for prefix in ("User.UserAttributes.", "Attributes.", "Metrics."):
            if name.startswith(prefix) and len(name) > len(prefix):
                return pinpoint.attribute(name.removeprefix(prefix).strip("[]"))
        parent, _, part = name.partition(".")
        if parent in ("Demographic", "Location") and part and part != "Timezone":
            return pinpoint.nested(parent, part)
        raise Untranslatable(f"the variable {name!r} has no counterpart")

    def _default(self, path: str) -> str:
        text = self.defaults.get(re.sub(r"\.?\[\d+\]$", "", path))
        if text is None:
            return ""
        if '"' in text and "'" in text:
            raise Untranslatable(f"the default of {path!r} has both kinds of quotes")
        return f' | default: "{text}"' if '"' not in text else f" | default: '{text}'"
