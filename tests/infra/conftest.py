"""Synthesizes the stacks once for all tests: those of an example with every kind of function, and the real ones."""

import json
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "1")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # jsii reads its packages in ways that newer Pythons deprecate
    import aws_cdk as cdk

from infra import app, grants, layers
from infra.catalogue import Catalogue, checked
from infra.context_stack import Parts
from tests.infra import example

Templates = dict[str, dict[str, Any]]


def synthesized(folder: Path, catalogue: Catalogue, parts: Parts) -> Templates:
    """{stack: template}; what CDK's own validation of templates dislikes is an error."""
    made = cdk.App(outdir=str(folder / "cdk.out"), context={"@aws-cdk/core:validateAgainstDefaultRules": True})
    stacks = app.build(made, catalogue, parts)
    made.synth()
    names = [stack.stack_name for stack in stacks]
    return {name: json.loads((folder / "cdk.out" / f"{name}.template.json").read_text()) for name in names}


def parts(
    folder: Path, *, wheels: str = "one", time_scale: float = 1, edge: grants.EdgeEntities = example.EDGE
) -> Parts:
    """With a stand-in for the vendor layer: templates differ by its hash only."""
    vendor = folder / "vendor" / wheels
    (vendor / "python").mkdir(parents=True, exist_ok=True)
    (vendor / "python" / "wheel.py").write_text(f"WHEELS = {wheels!r}\n")
    return Parts(str(layers.code(folder)), str(vendor), edge, time_scale)


def example_catalogue(folder: Path) -> Catalogue:
    return checked([example.found(folder, declared) for declared in example.DECLARATIONS], example.DOCUMENTED)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs the tests that look at templates: each would synthesize its own."""
    for item in items:
        if {"templates", "example_templates", "real_templates"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("templates"))


@pytest.fixture(scope="session")
def example_templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    folder = tmp_path_factory.mktemp("example")
    return synthesized(folder, example_catalogue(folder / "functions"), parts(folder))


@pytest.fixture(scope="session")
def real_templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    folder = tmp_path_factory.mktemp("real")
    return synthesized(folder, app.declared(), parts(folder, edge=grants.edge_entities()))


@pytest.fixture(params=["example", "real"])
def templates(request: pytest.FixtureRequest) -> Iterator[Templates]:
    """What must hold for every deployment is asked of both."""
    yield request.getfixturevalue(f"{request.param}_templates")
