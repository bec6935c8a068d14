"""What the documents for people say is so: commands, links, keys of stack.json, dialects, the first endpoint."""

import contextlib
import importlib
import json
import os
import pkgutil
import re
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from drumbeat import dialects
from moto import mock_aws

from infra import discovery
from infra.discovery import REPOSITORY
from infra.local import fixtures
from infra.local.stack import Stack
from tests.unit import test_event_files as event_files
from tests.world import World

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
DOCUMENTS = (
    "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "events/README.md", "functions/README.md", "infra/README.md",
    "layers/drumbeat/README.md",
)  # fmt: skip
EXAMPLE = "contacts.get_initials"


def text(document: str) -> str:
    return (REPOSITORY / document).read_text(encoding="utf-8")


def section(title: str) -> str:
    """What stands under a heading, to the next one of its level or above."""
    level, _, _ = title.partition(" ")
    found = re.search(rf"^{re.escape(title)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", README, re.DOTALL | re.MULTILINE)
    assert found, f"README.md has no section {title!r}"
    return found[1]


def rows(text_: str) -> list[list[str]]:
    """The cells of a section's tables, without their heads."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text_.splitlines() if line[:1] == "|"]
    rules = [number for number, cells in enumerate(lines) if set("".join(cells)) == {"-"}]
    return [cells for number, cells in enumerate(lines) if number not in rules and number + 1 not in rules]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def code(text_: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text_, re.DOTALL | re.MULTILINE)


def anchors(document: str) -> set[str]:
    """The headings as GitHub makes them addresses."""
    titles = re.findall(r"^#+ (.+)$", text(document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_are_targets_of_the_makefile(document: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    blocks = re.findall(r"```sh\n(.*?)```", text(document), re.DOTALL)
    said = re.findall(r"`make ([a-z]+)", text(document))
    said += [name for block in blocks for name in re.findall(r"^make ([a-z]+)", block, re.MULTILINE)]

    assert set(said) <= targets


def test_the_readme_opens_with_the_two_commands() -> None:
    first = code(README, "sh")[0]

    assert [line.split("#")[0].strip() for line in first.splitlines()] == ["make demo", "make test"]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_modules_that_are_run_exist(document: str) -> None:
    for name in re.findall(r"python -m (infra[\w.]*)", text(document)):
        path = REPOSITORY.joinpath(*name.split("."))
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), name


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text(document)):
        file, _, anchor = target.partition("#")
        path = ((REPOSITORY / document).parent / file).resolve() if file else REPOSITORY / document
        assert path.exists(), f"{document}: {target}"
        assert not anchor or anchor in anchors(str(path.relative_to(REPOSITORY))), f"{document}: {target}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_paths_that_are_named_exist(document: str) -> None:
    roots = "functions|layers|infra|events|tests"
    for name in quoted(re.sub(r"```.*?```", "", text(document), flags=re.DOTALL)):
        if re.match(rf"({roots})/[\w./-]+$", name) and "initials" not in name:
            assert (REPOSITORY / name).exists(), f"{document}: {name}"


def test_keys_of_stack_json_are_those_of_the_stack() -> None:
    said = [key for cells in rows(section("## The local stack")) for key in quoted(cells[0])]

    assert {"api_url", "api_key", "tenant", "docs_url", "mailbox_url", "callback_urls", "sign_url"} <= set(said)
    assert set(said) <= {field.name for field in fields(Stack)}
    assert set(re.findall(r"\$\(say (\w+)\)", README)) <= {field.name for field in fields(Stack)}


def test_the_local_user_is_that_of_the_fixtures() -> None:
    said = section("## The local stack")

    assert f"`{fixtures.USER['email']}`, with the password `{fixtures.USER['password']}`" in said


def test_the_table_of_dialects_is_complete() -> None:
    said = {quoted(cells[0])[0]: cells for cells in rows(section("### Documented dialects"))}

    assert set(said) == {module.name for module in pkgutil.iter_modules(dialects.__path__)}
    for name, (_, document, paths, _, _) in said.items():
        module = importlib.import_module(f"drumbeat.dialects.{name}")
        assert (module.__doc__ or "").startswith(f"{document}:"), name
        for row in module.ROWS:
            path = row.route.split(" ")[1]
            assert any(path == prefix or path.startswith(f"{prefix}/") for prefix in quoted(paths)), row.route


def test_decisions_are_short() -> None:
    decisions = section("## Decisions").strip().split("\n\n")

    assert all(re.match(r"\*\*[^*]+\.\*\* ", decision) for decision in decisions)
    assert max(len(decision.splitlines()) for decision in decisions) <= 10


@contextlib.contextmanager
def deployed() -> Iterator[World]:
    """A deployment on moto; the environment is that of before when it ends."""
    before = dict(os.environ)
    try:
        with mock_aws():
            world = World()
            world.build()
            yield world
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def first_endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The function of the README, as if its file were there; gives a folder with its event files."""
    steps = section("## Your first endpoint")
    context, name = EXAMPLE.split(".")
    (tmp_path / "functions" / context).mkdir(parents=True)
    (tmp_path / "functions" / context / f"{name}.py").write_text(code(steps, "python")[0])
    events = tmp_path / "events" / context / name
    events.mkdir(parents=True)
    files = re.findall(rf"`events/{context}/{name}/(\w+)\.json`:", steps)
    for case, content in zip(files, code(steps, "json"), strict=True):
        (events / f"{case}.json").write_text(content)
    monkeypatch.delitem(sys.modules, f"functions.{EXAMPLE}", raising=False)
    [found] = discovery.functions(tmp_path / "functions")
    assert found.name == EXAMPLE
    yield events
    del sys.modules[f"functions.{EXAMPLE}"]


def test_the_first_endpoint_works(first_endpoint: Path) -> None:
    [_, test] = code(section("## Your first endpoint"), "python")
    room: dict[str, object] = {}
    exec(compile(test, "README.md", "exec"), room)  # noqa: S102 - our own text
    [check] = [value for name, value in room.items() if name.startswith("test_")]
    assert callable(check)
    cases = sorted(first_endpoint.glob("*.json"))

    for case in cases:
        with deployed() as world:
            event_files.test_event_file(world, case)
    with deployed() as world:
        check(world)

    statuses = [json.loads(case.read_text())["response"]["status"] for case in cases]
    assert sorted(status >= 400 for status in statuses) == [False, True]
