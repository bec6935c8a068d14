"""The API's document as one readable page: no scripts needed to read it, a small one to search it."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from textwrap import dedent
from typing import Any

STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --accent: #0a58ca }
@media (prefers-color-scheme: dark) { :root { --accent: #7fb3ff } }
* { box-sizing: border-box }
body { font: 1rem/1.55 system-ui, sans-serif; margin: 0 auto; max-width: 62rem; padding: 0 1rem 6rem }
a { color: var(--accent) }
h2 { margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--line) }
h3 { margin: 1rem 0 .25rem; font-size: 1rem }
h2, details { scroll-margin-top: 4.5rem }
.skip { position: absolute; left: -999rem } .skip:focus { position: static }
.search { position: sticky; top: 0; background: Canvas; padding: .75rem 0; z-index: 1 }
.search input { font: inherit; width: 100%; padding: .6rem .8rem; border: 1px solid var(--line); border-radius: .5rem;
color: inherit; background: Canvas }
.search input::placeholder { color: inherit; opacity: .7 }
.search p { margin: .35rem 0 0 } .search p:empty { display: none }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; padding: 0 }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0 }
summary { cursor: pointer; padding: .5rem .75rem; overflow-wrap: anywhere }
summary:focus-visible, a:focus-visible, input:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
details > div { padding: 0 .75rem .75rem }
details details { border-style: dashed }
.method { display: inline-block; min-width: 5rem; font-weight: 700; color: var(--accent) }
.muted { opacity: .75 }
pre { overflow: auto; max-height: 24rem; padding: .75rem; border: 1px solid var(--line); border-radius: .5rem }
pre:focus-visible { outline: 3px solid var(--accent) }
code, pre { font-family: ui-monospace, monospace; font-size: .9em }
.table { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-top: 1px solid var(--line) }
[hidden] { display: none }
@media (max-width: 40rem) {
  .method { min-width: 0; margin-right: .5rem }
  .says { display: block; margin-top: .15rem }
  thead, td:empty { display: none }
  table, tbody, tr, td { display: block }
  tr { border-top: 1px solid var(--line); padding: .3rem 0 }
  td { border: 0; padding: 0; overflow-wrap: anywhere }
  td:first-child { font-weight: 600 }
}
"""
SCRIPT = """
const input = document.querySelector("input"), said = document.querySelector("[role=status]");
const all = [...document.querySelectorAll("details[data-text]")], groups = [...document.querySelectorAll("section")];
input.addEventListener("input", () => {
  const words = input.value.toLowerCase().split(/\\s+/).filter(Boolean);
  for (const one of all) one.hidden = !words.every(word => one.dataset.text.includes(word));
  for (const group of groups) group.hidden = !group.querySelector("details[data-text]:not([hidden])");
  said.textContent = words.length ? `${all.filter(one => !one.hidden).length} of ${all.length} requests` : "";
});
document.addEventListener("keydown", event => {
  if (event.key === "/" && document.activeElement !== input) { event.preventDefault(); input.focus(); }
});
const open = () => {
  const one = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (one) { one.open = true; one.scrollIntoView(); }
};
addEventListener("hashchange", open);
open();
"""


def page(document: Mapping[str, Any]) -> str:
    """The whole page."""
    groups: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups[operation["tags"][0]].append((method.upper(), path, operation))
    says = {tag["name"]: tag.get("description", "") for tag in document["tags"]}
    sections = "\n".join(
        f'<section aria-labelledby="tag-{tag}"><h2 id="tag-{tag}">{escape(tag)}</h2>{_prose(says[tag])}\n'
        + "\n".join(_operation(document, *one) for one in operations)
        + "</section>"
        for tag, operations in groups.items()
    )
    links = "".join(f'<li><a href="#tag-{tag}">{escape(tag)} ({len(found)})</a></li>' for tag, found in groups.items())
    policy = f"default-src 'none'; style-src {_hash(STYLE)}; script-src {_hash(SCRIPT)}; base-uri 'none'"
    title = f"{document['info']['title']} API"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{escape(title)}</title><style>{STYLE}</style></head><body>
<a class="skip" href="#requests">To the requests</a>
<header><h1>{escape(title)} <small class="muted">{escape(document["info"]["version"])}</small></h1>
{_prose(document["info"]["description"])}
<p>The same for programs: <a href="openapi.json">openapi.json</a> (OpenAPI {escape(document["openapi"])}).</p></header>
<div class="search" role="search"><input type="search" aria-label="Search requests" placeholder="Search (press /)"
autocomplete="off"><p class="muted" role="status" aria-live="polite"></p></div>
<nav aria-label="Groups"><ul>{links}<li><a href="#refusals">refusals</a></li></ul></nav>
<main id="requests">
{sections}
<section aria-labelledby="refusals"><h2 id="refusals">Refusals</h2>
{"".join(_usual(name, usual) for name, usual in document["components"]["responses"].items())}</section>
</main><script>{SCRIPT}</script></body></html>
"""


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _prose(text: str) -> str:
    """Paragraphs with `code` and **names**; indented ones are shown as they are."""
    return "".join(
        f'<pre tabindex="0" aria-label="Notation">{escape(dedent(part))}</pre>'
        if part.startswith("    ")
        else f"<p>{_inline(part)}</p>"
        for part in text.split("\n\n")
        if part
    )


def _inline(text: str) -> str:
    named = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", escape(text))
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", named)


def _json(value: Any, label: str) -> str:
    shown = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return f'<pre tabindex="0" aria-label="{escape(label)}">{escape(shown)}</pre>'


def _operation(document: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any]) -> str:
    words = " ".join((method, path, operation["summary"], operation["tags"][0], operation["operationId"])).lower()
    parts = [_prose(operation["description"])]
    if operation["parameters"]:
        parts.append(f"<h3>Parameters</h3>{_parameters(operation['parameters'])}")
    if "requestBody" in operation:
        parts.append(_content(document, "Body", operation["requestBody"]))
    for status, response in operation["responses"].items():
        parts.append(_response(document, status, response))
    return (
        f'<details id="{escape(operation["operationId"])}" data-text="{escape(words)}"><summary>'
        f'<span class="method">{method}</span><code>{escape(path)}</code> '
        f'<span class="says">{escape(operation["summary"])}</span></summary>'
        f"<div>{''.join(parts)}</div></details>"
    )


def _parameters(parameters: list[Mapping[str, Any]]) -> str:
    rows = [
        (one["name"], f"{one['in']}{', required' if one.get('required') else ''}", _kind(one["schema"]),
         one.get("description", ""), one.get("example", ""))
        for one in parameters
    ]  # fmt: skip
    return _table(("Name", "Where", "Type", "Says", "Example"), rows)


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    """A table of the columns that say anything."""
    told = [place for place in range(len(head)) if any(str(row[place]) for row in rows)]
    top = "".join(f'<th scope="col">{escape(head[place])}</th>' for place in told)
    body = "".join("<tr>" + "".join(f"<td>{_cell(row[place])}</td>" for place in told) + "</tr>" for row in rows)
    return f'<div class="table"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(text: Any) -> str:
    return _prose(str(text)) if "\n\n" in str(text) else _inline(str(text))


def _content(document: Mapping[str, Any], title: str, said: Mapping[str, Any]) -> str:
    """The fields of a body or an answer, and its examples."""
    parts = [f"<h3>{escape(title)}</h3>"]
    for kind, content in said.get("content", {}).items():
        rows = list(_fields(document, content.get("schema", {})))
        if rows:
            parts.append(_table(("Field", "Type", "Says"), rows))
        parts += [
            f'<p class="muted">{escape(example["summary"])}</p>{_json(example["value"], "Example")}'
            for example in content.get("examples", {}).values()
        ]
        if "example" in content:
            parts.append(_json(content["example"], f"Example, {kind}"))
    return "".join(parts)


def _response(document: Mapping[str, Any], status: str, response: Mapping[str, Any]) -> str:
    if "$ref" in response:
        name = response["$ref"].rsplit("/", 1)[1]
        shared = document["components"]["responses"][name]
        return f'<p>{status} <a href="#refusal-{name}">{escape(shared["description"])}</a></p>'
    if int(status) < 400:
        return _content(document, f"{status} {response['description']}", response)
    inner = "".join(
        f'<p class="muted">{escape(example["summary"])}</p>{_json(example["value"], "Example")}'
        for content in response.get("content", {}).values()
        for example in content.get("examples", {}).values()
    )
    return f"<details><summary>{status} {escape(response['description'])}</summary><div>{inner}</div></details>"


def _usual(name: str, response: Mapping[str, Any]) -> str:
    example = response["content"]["application/json"]["example"]
    return (
        f'<details id="refusal-{name}"><summary><code>{escape(example["error_code"])}</code> '
        f"{escape(response['description'])}</summary><div>{_json(example, 'Example')}</div></details>"
    )


def _fields(
    document: Mapping[str, Any], schema: Mapping[str, Any], prefix: str = "", deep: int = 0
) -> Iterator[tuple[str, str, str]]:
    """(path, type, description) of what an object has, down to three levels; of an envelope, the data's."""
    schema = _resolved(document, schema)
    if deep == 0 and {"success", "data", "request_id"} <= set(schema.get("properties", {})):
        yield from _fields(document, schema["properties"]["data"], "data", 1)
        return
    for choice in schema.get("anyOf", ()):
        yield from _fields(document, choice, prefix, deep)
    if schema.get("type") == "array" and deep < 4:
        yield from _fields(document, schema.get("items", {}), f"{prefix}[]", deep + 1)
    for name, one in schema.get("properties", {}).items():
        path = f"{prefix}.{name}" if prefix else name
        required = ", required" if deep == 0 and name in schema.get("required", ()) else ""
        yield path, _kind(one) + required, one.get("description", "")
        if deep < 3:
            yield from _fields(document, one, path, deep + 1)


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    found: Mapping[str, Any] = document["components"]["schemas"].get(schema["$ref"].rsplit("/", 1)[1], {})
    return found


def _kind(schema: Mapping[str, Any]) -> str:
    """A type in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[1].rsplit("__", 1)[-1])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(choice) for choice in schema["anyOf"]))
    if isinstance(schema.get("type"), list):
        return " or ".join(_kind({**schema, "type": one}) for one in schema["type"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "any")
