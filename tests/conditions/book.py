"""What earlier trials found, so that the next ones are quick: under `.local`, and the killers also committed.

`.local/conditions.json` knows for each test how long it takes and which sites it passes, by a hash of its file, and for
each site when it was tried last. `killed.json` is committed: site → the test that breaks without it.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.conditions.sites import ROOT, Site

FOLDER = Path(__file__).parent
KILLED, EQUIVALENT = FOLDER / "killed.json", FOLDER / "equivalent.json"
LOCAL = ROOT / ".local/conditions.json"


class Book:
    """The memory of one machine."""

    def __init__(self, path: Path = LOCAL) -> None:
        self.path = path
        held: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        self.files: dict[str, dict[str, Any]] = held.get("files", {})
        self.tried: dict[str, str] = held.get("tried", {})

    def keep(self) -> None:
        self.path.parent.mkdir(exist_ok=True)
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps({"files": self.files, "tried": self.tried}))
        fresh.replace(self.path)

    def stale(self, file: str) -> bool:
        """Whether the tests of a file changed since they were watched."""
        return bool(self.files.get(file, {}).get("hash") != _hash(file))

    def watched(self, file: str, tests: dict[str, Any]) -> None:
        """What its tests pass: test → (seconds, names of sites)."""
        self.files[file] = {"hash": _hash(file), "tests": tests}

    def passing(self, site: Site) -> dict[str, float]:
        """The tests that pass a site, with their seconds; its function, where it is newer than what is known."""
        watched = [one for file in self.files.values() for one in file["tests"].items()]
        function = f"{site.inside} {site.function}: "
        return {test: seconds for test, (seconds, names) in watched if site.name in names} or {
            test: seconds for test, (seconds, names) in watched if any(name.startswith(function) for name in names)
        }


def _hash(file: str) -> str:
    return hashlib.sha256((ROOT / file).read_bytes()).hexdigest()[:16]


def killed() -> dict[str, str]:
    """Site → the test that broke without it, as committed."""
    return dict(json.loads(KILLED.read_text())) if KILLED.exists() else {}


def equivalent() -> dict[str, str]:
    """Site → why no test can miss it."""
    return dict(json.loads(EQUIVALENT.read_text())) if EQUIVALENT.exists() else {}


def keep_killed(found: dict[str, str], sites: set[str]) -> None:
    """Commit what was found; sites that are gone leave the list."""
    both = {name: test for name, test in {**killed(), **found}.items() if name in sites}
    KILLED.write_text(json.dumps(both, indent=0, sort_keys=True, ensure_ascii=False) + "\n")
