"""Declarations are found by walking files, and what cannot be deployed is refused with the file's name."""

import sys
import types
from pathlib import Path

import pytest
from drumbeat.declare import Machine, Queue

from infra import discovery
from infra.catalogue import checked
from infra.discovery import Mistake
from tests.infra import example
from tests.infra.example import Row, declaration

FUNCTION = '''"""Weigh a parcel.

More of it.
"""

from drumbeat.declare import Declaration, Function, named


def rule() -> None:
    """404 when there is none."""


name, summary, refusals = named(rule)
handler = Function(Declaration("operator", name, summary, refusals), rule, lambda event, context: event)
'''


def written(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_functions_are_named_after_their_files(tmp_path: Path) -> None:
    path = written(tmp_path, "depot/weigh_parcel.py", FUNCTION)
    written(tmp_path, "depot/__init__.py", "")

    [found] = discovery.functions(tmp_path)

    assert (found.name, found.path) == ("depot.weigh_parcel", path)
    assert (found.declaration.summary, found.declaration.refusals) == ("Weigh a parcel.", "404 when there is none.")


def test_a_file_without_a_handler_is_named(tmp_path: Path) -> None:
    written(tmp_path, "depot/weigh_parcel.py", "handler = print\n")
    with pytest.raises(Mistake, match=r"depot/weigh_parcel\.py: has no `handler`"):
        discovery.functions(tmp_path)


@pytest.fixture
def dialects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A package of two dialects."""
    package = types.ModuleType("two_dialects")
    package.__path__ = [str(tmp_path)]
    monkeypatch.setitem(sys.modules, "two_dialects", package)
    for name in ("post_office", "railway"):
        written(tmp_path, f"{name}.py", "ROWS = ()\n")
        module = types.ModuleType(f"two_dialects.{name}")
        module.ROWS = ()  # type: ignore[attr-defined]  # modules take any attribute
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return package


def rows(dialect: str, *rows: Row) -> None:
    sys.modules[f"two_dialects.{dialect}"].ROWS = rows  # type: ignore[attr-defined]  # modules take any attribute


def test_documented_routes_lead_to_functions(dialects: types.ModuleType) -> None:
    rows("post_office", Row("POST /api/parcels", "depot.weigh_parcel"), Row("PUT /api/parcels", "depot.weigh_parcel"))
    rows("railway", Row("POST /cars", "depot.weigh_parcel"))
    assert discovery.documented("two_dialects") == {
        "depot.weigh_parcel": {
            "POST /api/parcels": "post_office",
            "PUT /api/parcels": "post_office",
            "POST /cars": "railway",
        }
    }


def test_a_route_is_a_row_of_one_dialect(dialects: types.ModuleType) -> None:
    rows("post_office", Row("POST /cars", "depot.weigh_parcel"))
    rows("railway", Row("POST /cars", "depot.send_car"))
    with pytest.raises(Mistake, match="POST /cars is a row of the dialects post_office and railway"):
        discovery.documented("two_dialects")


def test_browsers_ask_once_for_a_path(tmp_path: Path) -> None:
    declared = (
        declaration("http", "x.get_form", route="GET /v1/forms/{id}", cors=True),
        declaration("http", "x.submit_form", route="POST /v1/forms/{form_id}", cors=True),
        declaration("http", "x.list_forms", route="GET /v1/forms"),
    )
    catalogue = checked([example.found(tmp_path, each) for each in declared], {})
    assert catalogue.preflights == {"x.get_form": ["OPTIONS /v1/forms/{id}"]}


A, B = Queue("a"), Queue("b")
WRONG = {
    "queue a: has several consumers": [declaration("queue", "x.one", queue=A), declaration("queue", "x.two", queue=A)],
    "queue b has no consumer": [declaration("operator", "x.one", sends=(B,))],
    "machine m has no task": [declaration("operator", "x.one", starts=(Machine("m"),))],
    "topic gossip is not one of": [declaration("url", "x.one", topics=("gossip",))],
    "a stream has at most 2 readers": [declaration("stream", f"x.r{n}", stream_types=("A",)) for n in range(3)],
    "GET /v1/a/{other} is already GET /v1/a/{id}": [
        declaration("http", "x.one", route="GET /v1/a/{id}"),
        declaration("http", "x.two", route="GET /v1/a/{other}"),
    ],
    "281 routes": [declaration("http", f"x.get_{n}", route=f"GET /v1/{n}") for n in range(281)],
    "is longer than the API waits": [declaration("http", "x.one", route="GET /v1/a", timeout=30)],
    "concurrency 1 is not between": [declaration("queue", "x.one", queue=A, concurrency=1)],
    "needs a window": [declaration("queue", "x.one", queue=A, batch=11)],
    "a schedule says `every`": [declaration("schedule", "x.one")],
}  # fmt: skip


@pytest.mark.parametrize("message", WRONG)
def test_what_cannot_be_deployed_is_refused(message: str, tmp_path: Path) -> None:
    functions = [example.found(tmp_path, declared) for declared in WRONG[message]]
    with pytest.raises(Mistake) as refused:
        checked(functions, {})
    assert message in str(refused.value)


def test_a_row_for_a_function_that_is_not_there_is_refused() -> None:
    with pytest.raises(Mistake, match=r"x\.gone: is named by a row of a dialect"):
        checked([], {"x.gone": {"GET /gone": "railway"}})
