"""Finds the functions and the documented routes: by walking files and importing them, so there is no second list.

Needs no CDK: the OpenAPI document, the generated tables and the tests look through the same eyes.
"""

import importlib
import importlib.util
import pkgutil
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from drumbeat.declare import Declaration, Function

REPOSITORY = Path(__file__).resolve().parent.parent
CODE_LAYER = REPOSITORY / "layers" / "drumbeat"
FUNCTIONS = REPOSITORY / "functions"


class Mistake(Exception):
    """What is declared cannot be deployed. The message names the file and what to change."""


@dataclass(frozen=True, slots=True)
class Found:
    """A function: what it declares, and the one file that is its code."""

    declaration: Declaration
    path: Path
    handler: Function

    @property
    def name(self) -> str:
        return self.declaration.name


def functions(root: Path = FUNCTIONS) -> list[Found]:
    """Every `<context>/<verb_noun>.py` under `root`, imported, in the order of names. Raises Mistake."""
    return [_found(path) for path in sorted(root.glob("*/*.py")) if not path.name.startswith("_")]


def _found(path: Path) -> Found:
    name = f"{path.parent.name}.{path.stem}"
    handler = getattr(_imported(f"functions.{name}", path), "handler", None)
    if not isinstance(handler, Function):
        raise Mistake(f"{path}: has no `handler` made by one of the decorators (http, queue, schedule, …)")
    if handler.declaration.name != name:
        raise Mistake(f"{path}: declares itself as `{handler.declaration.name}`")
    return Found(handler.declaration, path, handler)


def _imported(name: str, path: Path) -> ModuleType:
    """The module of a file that is in no package. Known to `sys.modules`, where decorators look for its docstring."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Mistake(f"{path}: cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        error.add_note(f"while importing {path}")
        raise
    return module


def documented(package: str = "drumbeat.dialects") -> dict[str, dict[str, str]]:
    """{function name: {documented route: name of the dialect's module}}, from the `ROWS` of each dialect.

    A route may be a row of one dialect only. Raises Mistake.
    """
    found: dict[str, dict[str, str]] = {}
    owner: dict[str, str] = {}
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        for row in getattr(importlib.import_module(f"{package}.{module.name}"), "ROWS", ()):
            if row.route in owner:
                raise Mistake(f"{row.route} is a row of the dialects {owner[row.route]} and {module.name}")
            owner[row.route] = module.name
            found.setdefault(row.function, {})[row.route] = module.name
    return found
