"""Cold imports: the processor time until an endpoint could answer, against the import of pynamodb and pydantic alone.

Each import runs in an interpreter of its own, the way Lambda loads a function: one file, with the layers on the path.
Only ratios of one run say anything: machines differ, and so do their neighbours. The baseline takes from pydantic what
any model takes: `import pydantic` alone loads next to nothing.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAYER = ROOT / "layers" / "drumbeat" / "python"
BASELINE = "from pynamodb.models import Model; from pydantic import BaseModel, Field, StringConstraints, TypeAdapter"
# What an endpoint that is called with an API key must not import before it is asked for something that needs it.
HEAVY = (
    "jwt", "cryptography", "liquid", "phonenumbers", "email_validator", "argon2", "boto3", "babel", "dns", "openpyxl",
    "httpx", "requests", "moto", "aws_cdk", "pytest", "mjml", "css_inline",
)  # fmt: skip
_CHILD = """
import gc, json, sys, time
gc.disable()
began = time.process_time()
{load}
spent = time.process_time() - began
heavy = sorted({{name.split(".")[0] for name in sys.modules}} & set({heavy!r}))
ours = sorted(name for name in sys.modules if name.startswith("drumbeat."))
print(json.dumps([spent * 1e3, len(sys.modules), heavy, ours]))
"""
_FUNCTION = (
    "import importlib.util as u; s = u.spec_from_file_location({stem!r}, {path!r}); "
    "m = u.module_from_spec(s); sys.modules[{stem!r}] = m; s.loader.exec_module(m)"
)


@dataclass(frozen=True, slots=True)
class Import:
    """One cold import: milliseconds of processor time, modules loaded, the heavy packages among them, and our own."""

    milliseconds: float
    modules: int
    heavy: tuple[str, ...]
    ours: tuple[str, ...]


def environment(name: str = "bench.bench") -> dict[str, str]:
    """A function's environment, with the layer but without anything of the repository on the path."""
    return {
        "PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(LAYER), "FUNCTION": name, "TABLE": "drumbeat",
        "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "PUBLIC_URL": "https://track.example",
        "POWERTOOLS_SERVICE_NAME": name.split(".", maxsplit=1)[0], "POWERTOOLS_METRICS_NAMESPACE": "Drumbeat",
        "PYDANTIC_DISABLE_PLUGINS": "__all__",
    }  # fmt: skip


def measured(load: str, name: str = "bench.bench") -> Import:
    """Import in a fresh interpreter."""
    child = [sys.executable, "-c", _CHILD.format(load=load, heavy=HEAVY)]
    done = subprocess.run(child, env=environment(name), capture_output=True, text=True, check=True, cwd="/")
    spent, modules, heavy, ours = json.loads(done.stdout)
    return Import(spent, modules, tuple(heavy), tuple(ours))


def of_function(name: str) -> Import:
    """The import of a function's file by its name, `contacts.get_contact`."""
    context, stem = name.split(".")
    path = ROOT / "functions" / context / f"{stem}.py"
    return measured(_FUNCTION.format(stem=stem, path=str(path)), name)


def endpoints() -> list[str]:
    """The functions that answer requests with a credential."""
    files = sorted((ROOT / "functions").glob("*/*.py"))
    asking = [file for file in files if "@http(" in (text := file.read_text()) and "scope=" in text]
    return [f"{file.parent.name}.{file.stem}" for file in asking]


def ratios(names: list[str], rounds: int, workers: int = 1) -> dict[str, float]:
    """Each function's import by the baseline's: the best of so many rounds of both."""
    best: dict[str, float] = {}
    for _ in range(rounds):
        with ThreadPoolExecutor(workers) as pool:
            loads = [BASELINE, *names]
            spent = pool.map(lambda load: measured(load) if load == BASELINE else of_function(load), loads)
            for load, found in zip(loads, spent, strict=True):
                best[load] = min(best.get(load, 1e9), found.milliseconds)
    baseline = best.pop(BASELINE)
    return {name: spent / baseline for name, spent in best.items()}


def worst_first(rounds: int = 5) -> dict[str, float]:
    """All endpoints by one look, and the worst (and a plain one) by several."""
    once = ratios(endpoints(), 1, workers=2)
    worst = sorted(once, key=lambda name: -once[name])[:5]
    again = ratios(list(dict.fromkeys([*worst, "contacts.get_contact"])), rounds)
    return dict(sorted({**once, **again}.items(), key=lambda item: -item[1]))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(worst_first(), indent=1) + "\n")
