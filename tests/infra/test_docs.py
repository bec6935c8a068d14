"""The API's document is complete, true to its own schemas, and as the sources say; so are the generated tables."""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from infra import docs, failures, openapi, reference, tables
from infra.catalogue import Catalogue
from infra.discovery import REPOSITORY

Operation = tuple[str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return docs.declared()


@pytest.fixture(scope="module")
def document(catalogue: Catalogue) -> dict[str, Any]:
    return openapi.document(catalogue)


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def shared(document: Mapping[str, Any], response: Mapping[str, Any]) -> Mapping[str, Any]:
    """The response itself, where it is one of the shared ones."""
    if "$ref" not in response:
        return response
    found: Mapping[str, Any] = document["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
    return found


def shown(content: Mapping[str, Any]) -> list[Any]:
    examples = [example["value"] for example in content.get("examples", {}).values()]
    return examples + ([content["example"]] if "example" in content else [])


def test_it_is_openapi(document: dict[str, Any]) -> None:
    validate(document)


def test_every_route_is_in_it(catalogue: Catalogue, document: dict[str, Any]) -> None:
    routes = {route.replace("+}", "}") for found in catalogue.of_kind("http") for route in catalogue.routes(found)}

    assert {name for name, _ in operations(document)} == routes - {"$default"}


def test_every_operation_says_what_it_does(document: dict[str, Any]) -> None:
    lacking = [
        f"{name} lacks {part}"
        for name, operation in operations(document)
        for part in ("summary", "description", "tags")
        if not operation[part]
    ]
    ids = [operation["operationId"] for _, operation in operations(document)]

    assert not lacking
    assert len(set(ids)) == len(ids)


def test_every_body_and_answer_has_an_example(document: dict[str, Any]) -> None:
    lacking = []
    for name, operation in operations(document):
        body = operation.get("requestBody")
        if body and not shown(body["content"]["application/json"]):
            lacking.append(f"{name}: add an event file with a body that succeeds")
        for status, response in operation["responses"].items():
            for kind, content in shared(document, response).get("content", {}).items():
                if kind in ("application/json", "text/html") and not any(shown(content)):
                    lacking.append(f"{name}: {status} has no example")

    assert not lacking, "\n".join(lacking)


def test_every_operation_has_its_refusals(catalogue: Catalogue, document: dict[str, Any]) -> None:
    for found in catalogue.of_kind("http"):
        for route in catalogue.routes(found) if " " in (found.declaration.route or "") else ():
            method, path = route.replace("+}", "}").split(" ")
            answered = set(document["paths"][path][method.lower()]["responses"])
            scoped = {"401", "403", "429", "500"} if found.declaration.scope else {"429", "500"}
            named = set(re.findall(r"\b4\d\d\b", found.declaration.refusals))
            assert scoped | named <= answered, route


def test_every_example_is_as_its_schema_says(document: dict[str, Any]) -> None:
    wrong = []
    for name, operation in operations(document):
        parts = {"body": operation.get("requestBody", {}), **operation["responses"]}
        for part, said in parts.items():
            content = shared(document, said).get("content", {}).get("application/json", {})
            schema = {**content.get("schema", {}), "components": document["components"]}
            for example in shown(content):
                problems = list(Draft202012Validator(schema).iter_errors(example))
                wrong += [f"{name} {part} {problem.json_path}: {problem.message[:200]}" for problem in problems]

    assert not wrong, "\n".join(wrong)


def test_a_body_that_may_be_left_out_is_not_required(document: dict[str, Any]) -> None:
    start = document["paths"]["/v1/imports/{import_id}/start"]["post"]["requestBody"]

    assert shown(start["content"]["application/json"])
    assert start["required"] is False
    assert document["paths"]["/v1/contacts"]["post"]["requestBody"]["required"] is True


def test_aliases_name_the_route_that_they_stand_for(document: dict[str, Any]) -> None:
    operation = document["paths"]["/api/marketing/email/templates"]["post"]
    body = operation["requestBody"]["content"]["application/json"]
    answer = operation["responses"]["201"]["content"]["application/json"]["example"]

    assert operation["description"].startswith("Documented alias of `POST /v1/templates`.")
    assert operation["tags"] == ["mcp"]
    assert "html_content" in body["schema"]["properties"]
    assert answer["template_id"] == answer["id"]


def test_no_placeholder_of_the_event_files_is_left(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for part in [operation.get("requestBody", {}), *operation["responses"].values()]:
            for content in part.get("content", {}).values():
                for example in shown(content):
                    assert not re.search(r"<any>|<instant>|<id \w+>|\{\w+\.id\}", str(example)), name


def test_the_page_has_every_request_and_needs_nothing_else(document: dict[str, Any]) -> None:
    page = reference.page(document)
    ids = re.findall(r' id="([^"]+)"', page)

    assert all(f'<details id="{operation["operationId"]}"' in page for _, operation in operations(document))
    assert len(set(ids)) == len(ids)
    assert all(f'id="{target}"' in page for target in re.findall(r'href="#([^"]+)"', page))
    assert not re.search(r"""(src|href|action)=["']?(https?:|//)""", page)
    assert 'name="viewport"' in page


def test_the_page_runs_its_own_script_only(document: dict[str, Any]) -> None:
    page = reference.page(document)
    policy = re.findall(r"(style|script)-src 'sha256-([^']+)'", page)

    for kind, hashed in policy:
        [text] = re.findall(f"<{kind}>(.*?)</{kind}>", page, re.DOTALL)
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() == hashed
    assert [kind for kind, _ in policy] == ["style", "script"]


def test_markup_in_examples_stays_text_in_the_page(document: dict[str, Any]) -> None:
    page = reference.page(document)

    assert "&lt;h1&gt;Welcome" in page
    assert page.count("<script>") == 1


def test_the_committed_files_are_what_the_sources_say(catalogue: Catalogue) -> None:
    stale = [
        str(path.relative_to(REPOSITORY))
        for path, text in docs.generated(catalogue).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]

    assert not stale, f"{stale} are stale: run `make docs`"


def test_the_table_of_functions_names_each(catalogue: Catalogue) -> None:
    text = tables.functions(catalogue)

    for found in catalogue.functions:
        assert f"({found.declaration.context}/{found.path.name})" in text, found.name


def test_key_rows_are_taken_from_docstrings() -> None:
    docstring = """What it is.

    pk            sk     gsi1pk
    A#<tenant>    A      As#<tenant>

More of it.
"""
    assert tables.key_rows(docstring) == "pk            sk     gsi1pk\nA#<tenant>    A      As#<tenant>"
    assert tables.key_rows("Nothing of the kind.") == ""


def test_every_refusal_that_is_shared_has_an_example() -> None:
    for name, response in failures.USUAL.items():
        example = response["content"]["application/json"]["example"]
        assert example["error"]["code"] == example["error_code"], name
