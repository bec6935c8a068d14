"""Finds what makes a write conditional, by reading the sources.

Conditions are comparisons of an entity's attributes (`Chunk.state == …`, `User.pk.exists()`), joined by `&` and `|`.
Each part can be taken away alone, and the whole too. A part of an `&` that is gone always holds; a part of an `|` that
is gone never does. A condition that another function made is taken away where it is used. Besides there are the
conditions without an expression: `create`, which wants a free key, `unchanged=True`, and how the table knows its own
writes again.
"""

import ast
import functools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
LAYER = ROOT / "layers/drumbeat/python/drumbeat"
SOURCES = (LAYER, ROOT / "functions")

Place = tuple[str, int, int, int, int]

_TESTS = {"exists", "does_not_exist", "is_in", "contains"}
# Where a transaction's actions take their condition, counted with `pk` and `sk`.
_CONDITION_OF = {"put": 1, "update": 4, "delete": 3, "check": 3}
# How the table knows its own writes again: (file, function, source).
_CALL, _ALL_OLD = "_Connection._make_api_call", "['ReturnValuesOnConditionCheckFailure'] = 'ALL_OLD'"
_OWN_WRITES = (
    ("connection.py", _CALL, "operation_kwargs['ConditionExpression'] += ' AND NOT #att = :att'"),
    ("connection.py", _CALL, f"operation_kwargs{_ALL_OLD}"),
    ("connection.py", _CALL, "found.get('att') == {'S': attempt}"),
    ("transactions.py", "Transaction._add", f"kwargs{_ALL_OLD}"),
    ("transactions.py", "Transaction._add", "stamp(kwargs)"),
    ("transactions.py", "Transaction.commit", "ClientRequestToken=token"),
    (
        "transactions.py", "Transaction.commit",
        "if error.response['Error']['Code'] == 'TransactionCanceledException':\n    token = fresh_attempt()",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Site:
    """One thing that can be taken away. `how` says what comes instead: see `mutants`."""

    file: str
    function: str
    text: str
    how: str
    place: Place
    number: int = 1

    @property
    def name(self) -> str:
        """For people and for the committed lists: it has no line, so it survives changes above it."""
        again = f" ({self.number})" if self.number > 1 else ""
        return f"{self.inside} {self.function}: {self.text}{again}"

    @property
    def at(self) -> str:
        return f"{self.file}:{self.place[1]}:{self.place[2]}"

    @property
    def inside(self) -> str:
        """The file without the way to it: `sends/claims.py`."""
        return self.file.removeprefix(f"{LAYER.relative_to(ROOT)}/")

    @property
    def context(self) -> str:
        """`sends` for a module of sends, `table` for one of the table, the module's name for one beside them."""
        return self.inside.removeprefix("functions/").split("/")[0].removesuffix(".py")


def place_of(node: ast.AST) -> Place:
    kind = type(node).__name__
    return (
        kind,
        getattr(node, "lineno", 0),
        getattr(node, "col_offset", 0),
        getattr(node, "end_lineno", None) or 0,
        getattr(node, "end_col_offset", None) or 0,
    )


@functools.cache
def everywhere() -> list[Site]:
    """All sites of the product, in the order of the sources."""
    files = sorted(file for folder in SOURCES for file in folder.rglob("*.py"))
    return [site for file in files for site in in_file(file)]


@functools.cache
def source_of(file: Path) -> str:
    """The text as it was at first: the files may be edited while trials run, the loaded code does not change."""
    return file.read_text(encoding="utf-8")


def in_file(file: Path) -> list[Site]:
    source = source_of(file)
    # Reading a tree takes long, and most files have nothing.
    if not re.search(r"condition|\.create\(|unchanged|exists\(\)|Transaction", source):
        return []
    tree = ast.parse(source)
    finder = _Finder(str(file.relative_to(ROOT)), tree)
    finder.visit(tree)
    seen: Counter[tuple[str, str]] = Counter()
    numbered = []
    for site in sorted(finder.found, key=lambda site: (site.place[1:], site.text)):
        seen[site.function, site.text] += 1
        numbered.append(replace(site, number=seen[site.function, site.text]))
    return numbered


class _Finder(ast.NodeVisitor):
    def __init__(self, file: str, tree: ast.Module) -> None:
        self.file = file
        self.found: list[Site] = []
        self.inside: list[str] = []
        self.conditional: list[bool] = []
        self.made_here: list[set[str]] = []
        self.imported = {
            (name.asname or name.name).split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in node.names
        }
        self.in_table = "/drumbeat/table/" in file

    def add(self, node: ast.AST, how: str, text: str | None = None) -> None:
        function = ".".join(self.inside)
        self.found.append(Site(self.file, function, text or _short(node), how, place_of(node)))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.inside.append(node.name)
        self.generic_visit(node)
        self.inside.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.inside.append(node.name)
        self.conditional.append(any(_compares(one) for one in ast.walk(node)))
        self.made_here.append(_assigned_conditions(node))
        self.generic_visit(node)
        self.made_here.pop()
        self.conditional.pop()
        self.inside.pop()

    def visit(self, node: ast.AST) -> None:
        if self.in_table and isinstance(node, ast.stmt | ast.expr | ast.keyword):
            self.own_write(node)
        if isinstance(node, ast.BinOp) and self.is_condition(node):
            self.compound(node)
            return
        if _compares(node):
            self.add(node, "always")
        if isinstance(node, ast.AugAssign):
            self.narrowed(node)
        if isinstance(node, ast.Call):
            self.call(node)
        super().visit(node)

    def narrowed(self, node: ast.AugAssign) -> None:
        """What is joined to a condition later, where it is no comparison itself."""
        if isinstance(node.op, ast.BitAnd) and any(self.conditional) and not self.is_condition(node.value):
            self.add(node.value, "always", f"&= {_short(node.value)}")

    def compound(self, node: ast.BinOp, *, whole: bool = True) -> None:
        """The parts of a joined condition, each for itself, and all of it."""
        if whole:
            self.add(node, "always")
        how = "always" if isinstance(node.op, ast.BitAnd) else "never"
        for part in _operands(node, type(node.op)):
            self.add(part, how)
            if isinstance(part, ast.BinOp) and self.is_condition(part):
                self.compound(part, whole=False)
            elif not _compares(part):
                self.generic_visit(part)

    def call(self, node: ast.Call) -> None:
        if not isinstance(node.func, ast.Attribute):
            return
        verb, receiver = node.func.attr, node.func.value
        mine = not node.args or (len(node.args) == 1 and self.transaction(receiver))
        if verb == "create" and not node.keywords and mine:
            self.add(node, "over", f"{_short(receiver, 40) + '.' if not node.args else ''}create({_args(node)})")
        for word in node.keywords:
            if word.arg == "unchanged" and verb == "change":
                self.add(word.value, "no", f"unchanged={_short(word.value)}")
            if word.arg == "condition":
                self.use(word.value)
        if verb in _CONDITION_OF and self.transaction(receiver):
            count = 0
            for argument in node.args:
                if count == _CONDITION_OF[verb]:
                    self.use(argument)
                count += 2 if isinstance(argument, ast.Starred) else 1

    def use(self, node: ast.expr) -> None:
        """A condition that was made elsewhere."""
        if not (isinstance(node, ast.Constant) or self.is_condition(node) or self.in_table):
            self.add(node, "always", f"condition {_short(node)}")

    def is_condition(self, node: ast.AST) -> bool:
        """A comparison, a name that the function gave to one, or several of them joined."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
            return self.is_condition(node.left) or self.is_condition(node.right)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
            return self.is_condition(node.operand)
        return _compares(node) or (isinstance(node, ast.Name) and any(node.id in names for names in self.made_here))

    def transaction(self, receiver: ast.expr) -> bool:
        """Whether this is a Transaction and not a module: as far as one can see."""
        while isinstance(receiver, ast.Call) and isinstance(receiver.func, ast.Attribute):
            receiver = receiver.func.value
        if isinstance(receiver, ast.Call):
            return ast.unparse(receiver.func) == "Transaction"
        name = receiver.attr if isinstance(receiver, ast.Attribute) else getattr(receiver, "id", "")
        return name in ("transaction", "writing", "prepared")

    def own_write(self, node: ast.AST) -> None:
        if not isinstance(node, ast.AugAssign | ast.Assign | ast.Expr | ast.If | ast.Compare | ast.keyword):
            return
        function, text = ".".join(self.inside), ast.unparse(node)
        for file, where, wanted in _OWN_WRITES:
            if self.file.endswith(f"/table/{file}") and function == where and text == wanted:
                how = "no" if isinstance(node, ast.Compare) else "fresh" if isinstance(node, ast.keyword) else "pass"
                self.add(node.value if isinstance(node, ast.keyword) else node, how, " ".join(text.split()))


def _operands(node: ast.expr, joined: type[ast.operator]) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, joined):
        yield from _operands(node.left, joined)
        yield from _operands(node.right, joined)
    else:
        yield node


def _compares(node: ast.AST) -> bool:
    """Whether this is a comparison of an entity's attribute, which is a condition and not a truth value."""
    if isinstance(node, ast.Compare):
        # `size_of(Send.planned) == 3`
        sized = isinstance(node.left, ast.Call) and ast.unparse(node.left.func) in ("size", "size_of")
        return sized or _is_attribute(node.left)
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _TESTS
        and _is_attribute(node.func.value)
    )


def _is_attribute(node: ast.expr) -> bool:
    if not isinstance(node, ast.Attribute) or node.attr.startswith("_"):
        return False
    root = node.value
    if isinstance(root, ast.Call):
        return ast.unparse(root.func) == "type"
    return isinstance(root, ast.Name) and (root.id in ("cls", "model_of") or bool(re.match("[A-Z][a-z]", root.id)))


def _assigned_conditions(function: ast.FunctionDef) -> set[str]:
    """The names that the function gives to conditions of its own."""
    return {
        target.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        and any(_compares(one) for one in ast.walk(node.value))
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }  # fmt: skip


def _args(node: ast.Call) -> str:
    return _short(node.args[0], 40) if node.args else ""


def _short(node: ast.AST, most: int = 100) -> str:
    text = ast.unparse(node)
    return text if len(text) <= most else f"{text[: most - 1]}…"
