"""Takes a condition away in the running process: the function gets other code, the sources stay as they are.

What stood there is still evaluated, so that nothing else differs. In its place comes

    always   a condition that every item meets, and a key without an item too
    never    a condition that none meets
    over     a put, whatever is there, for a `create`
    no       False
    fresh    another token for each call
    pass     nothing, for a statement

`watched` changes the code of all sites instead so that they say when they are passed.
"""

import ast
import builtins
import functools
import gc
import importlib
import pkgutil
from collections.abc import Callable, Iterable
from types import CodeType, FunctionType
from typing import Any, cast

import drumbeat
from drumbeat import table
from drumbeat.table import Transaction, fresh_attempt
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from tests.conditions.sites import ROOT, Place, Site, place_of, source_of

Key = tuple[str, str, int]
_NAME = "__conditions__"


class Stand:
    """What the changed code calls."""

    def __init__(self, passed: Callable[[int], object] = lambda index: None) -> None:
        self.passed = passed

    def seen(self, index: int, value: Any) -> Any:
        self.passed(index)
        return value

    def always(self, index: int, value: Any) -> Any:
        """None stays: then there was no condition."""
        self.passed(index)
        return None if value is None else _everything()

    def never(self, index: int, value: Any) -> Condition:
        self.passed(index)
        return cast(Condition, Path("pk").exists() & Path("pk").does_not_exist())

    def no(self, index: int, value: Any) -> bool:
        self.passed(index)
        return False

    def fresh(self, index: int, value: Any) -> str:
        self.passed(index)
        return fresh_attempt()

    def over(self, index: int, receiver: Any, *entities: Any) -> Any:
        self.passed(index)
        if isinstance(receiver, Transaction):
            return receiver.put(entities[0], _everything())
        assert isinstance(receiver, table.Entity), f"{receiver} has another kind of create"
        return receiver.save(_everything())


def _everything() -> Condition:
    return cast(Condition, Path("pk").exists() | Path("pk").does_not_exist())


def load() -> None:
    """Import all of the layer: what is imported later would have its plain code. Call it before forking."""
    for module in pkgutil.walk_packages(drumbeat.__path__, "drumbeat."):
        importlib.import_module(module.name)
    _living()
    gc.freeze()  # forks share what is loaded by now, as long as nobody looks at it


@functools.cache
def _living() -> dict[Key, list[FunctionType]]:
    """The product's functions by where their code comes from."""
    gc.unfreeze()
    found: dict[Key, list[FunctionType]] = {}
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename.startswith(str(ROOT)):
            found.setdefault(_key(one.__code__), []).append(one)
    return found


def _key(code: CodeType) -> Key:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def without(site: Site) -> None:
    """This process goes on without the condition."""
    setattr(builtins, _NAME, Stand())
    _change(site.file, {site.place: [(0, site)]}, plain=True)


def watched(sites: Iterable[Site], passed: Callable[[int], object]) -> None:
    """This process tells which sites it passes, by their number in the list."""
    setattr(builtins, _NAME, Stand(passed))
    files: dict[str, dict[Place, list[tuple[int, Site]]]] = {}
    for index, site in enumerate(sites):
        files.setdefault(site.file, {}).setdefault(site.place, []).append((index, site))
    for file, wanted in files.items():
        _change(file, wanted, plain=False)


def _change(file: str, wanted: dict[Place, list[tuple[int, Site]]], *, plain: bool) -> None:
    path = ROOT / file
    rewrite = _Rewrite(wanted, plain)
    tree = ast.fix_missing_locations(rewrite.visit(ast.parse(source_of(path))))
    assert rewrite.made == sum(len(sites) for sites in wanted.values()), f"{file}: a place was not found again"
    functions = {site.function for sites in wanted.values() for _, site in sites}
    changed = 0
    for code in _codes(compile(tree, str(path), "exec")):
        name = code.co_qualname.replace(".<locals>", "")
        if any(function == name or function.startswith(f"{name}.") for function in functions):
            for one in _living().get(_key(code), ()):
                one.__code__ = code
                changed += 1
    assert changed >= len({function.split(".")[0] for function in functions}), f"{file}: {functions} are not loaded"


def _codes(code: CodeType) -> Iterable[CodeType]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one
            yield from _codes(one)


class _Rewrite(ast.NodeTransformer):
    def __init__(self, wanted: dict[Place, list[tuple[int, Site]]], plain: bool) -> None:
        self.wanted, self.plain, self.made = wanted, plain, 0

    def visit(self, node: ast.AST) -> Any:
        sites = self.wanted.get(place_of(node), ())
        after = super().visit(node)
        for index, site in sites:
            after = self.replaced(after, index, site.how)
            self.made += 1
        return after

    def replaced(self, node: Any, index: int, how: str) -> Any:
        if how == "pass":
            told = ast.Expr(_call("seen", index, [ast.Constant(None)]))
            return told if self.plain else [told, node]
        if how == "over":
            receiver = node.func.value
            if self.plain:
                return _call("over", index, [receiver, *node.args])
            node.func.value = _call("seen", index, [receiver])
            return node
        return _call(how if self.plain else "seen", index, [node])


def _call(verb: str, index: int, values: list[Any]) -> ast.Call:
    stand = ast.Name(_NAME, ast.Load())
    return ast.Call(ast.Attribute(stand, verb, ast.Load()), [ast.Constant(index), *values], [])
