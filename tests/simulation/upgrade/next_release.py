"""A release to come, made from this one: the same code under other module names, with what releases add.

Its chunks have a format of their own (an attribute that says how urgent they are, and an outcome that this release does
not know), so this release must leave alone whatever it has touched; its stats have one more set and its messages one
more field, which this release need not notice. Both can be imported side by side, and work on one table.
"""

import importlib
import re
import sys
from pathlib import Path
from typing import Any

from tests.harness import ROOT

LAYER, FUNCTIONS = "drumbeat_next", "functions_next"
_IMPORT = re.compile(r"^(\s*(?:from|import) )drumbeat\b", re.MULTILINE)
HELD = "h"

CHUNK = """    TYPE = "CHUNK"
    FORMAT = 2
    UPGRADES = {1: lambda item: {"urgency": {"S": "usual"}, **item}}

    urgency = UnicodeAttribute(default="usual")

    def change(self, *actions: Any, **more: Any) -> None:
        super().change(*actions, type(self).urgency.set(self.urgency or "usual"), type(self).mark(), **more)
"""
CONFIRMED = """        found = [(kind, fact.number)]
        found += [("confirmed", fact.number)] * (kind == "delivered")
"""
# By file of the layer: what is there once, and what the next release has in its place.
CHANGES = {
    "sends/model.py": (
        ('    TYPE = "CHUNK"\n', CHUNK),
        ('    TYPE = "STAT"\n', '    TYPE = "STAT"\n\n    confirmed = NumberSetAttribute(null=True)\n'),
    ),
    "sends/outcomes.py": (
        ('    GIVEN_UP = "u"\n', f'    GIVEN_UP = "u"\n    HELD = "{HELD}"\n'),
        ("    Outcome.GIVEN_UP:", '    Outcome.HELD: "held",\n    Outcome.GIVEN_UP:'),
    ),
    "sends/checking.py": (('"no_consent": Outcome.NO_CONSENT', '"no_consent": Outcome.HELD'),),
    "queues.py": (("json.dumps(message, ", 'json.dumps({**message, "release": "next"}, '),),
    "feedback/items.py": (("        found = [(kind, fact.number)]\n", CONFIRMED),),
}  # fmt: skip


def made(folder: Path) -> None:
    """Write the release into a folder, and let it be found there."""
    _copied(ROOT / "layers/drumbeat/python/drumbeat", folder / LAYER)
    _copied(ROOT / "functions", folder / FUNCTIONS)
    for name, changes in CHANGES.items():
        file = folder / LAYER / name
        text = file.read_text()
        for old, new in changes:
            assert text.count(old) == 1, (
                f"{name} has changed: say in {Path(__file__).name} what the next release changes"
            )
            text = text.replace(old, new)
        file.write_text(text)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()


def _copied(source: Path, target: Path) -> None:
    for file in source.rglob("*.py"):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(_IMPORT.sub(rf"\1{LAYER}", file.read_text()))


def function(name: str) -> Any:
    """A function of the release, as Lambda calls it."""
    return importlib.import_module(f"{FUNCTIONS}.{name}").handler


def forget() -> None:
    """Its instances are new ones."""
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{LAYER}.") and hasattr(module, "forget") and not name.endswith(".rendering"):
            module.forget()
