"""Known vulnerabilities of what ships and of what builds it: `make audit`.

pip-audit asks the package index for everything that is installed here (the layer's packages and theirs, and the tools),
npm its registry for the lock file. An index that does not answer is no good news, and is told as what it is. Ends with
0 when all was asked and nothing is known, 1 when there are vulnerabilities, 2 when some could not be asked.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.discovery import REPOSITORY

REQUIREMENTS = REPOSITORY / "layers" / "vendor" / "requirements.txt"
SAFE, VULNERABLE, UNKNOWN = 0, 1, 2


@dataclass
class Verdict:
    """What is known of some packages: how many were asked about, what was found, and what had no answer."""

    asked: int = 0
    vulnerable: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)

    @property
    def code(self) -> int:
        return VULNERABLE if self.vulnerable else UNKNOWN if self.unanswered else SAFE

    def told(self, what: str) -> str:
        """The verdict in a sentence, and a line for each package that it is about."""
        if self.vulnerable:
            return "\n".join([f"{what}: {len(self.vulnerable)} known vulnerabilities", *self.vulnerable])
        if self.unanswered:
            some = ", ".join(self.unanswered[:5]) + (" …" if len(self.unanswered) > 5 else "")
            total = self.asked + len(self.unanswered)
            return (
                f"{what}: NOT KNOWN. The index gave no answer for {len(self.unanswered)} of {total} ({some}). "
                "Run it where the index answers."
            )
        return f"{what}: no known vulnerabilities in {self.asked}"


def of_python(report: Mapping[str, Any], pinned: Mapping[str, str]) -> Verdict:
    """The verdict of pip-audit's report. What ships (`pinned`: versions by name) must be in it as it is pinned."""
    found = Verdict()
    seen: dict[str, str | None] = {}
    for package in report["dependencies"]:
        name = _plain(package["name"])
        if "skip_reason" in package:
            found.unanswered.append(name)
            seen[name] = None
            continue
        found.asked += 1
        seen[name] = package["version"]
        for known in package["vulns"]:
            mended = ", ".join(known.get("fix_versions", ())) or "no version yet"
            found.vulnerable.append(f"  {name} {package['version']}: {known['id']}, mended by {mended}")
    missing = [name for name, version in pinned.items() if seen.get(name, "") not in (None, version)]
    found.unanswered += [f"{name} {pinned[name]}, which is not installed" for name in missing]
    return found


def of_node(report: Mapping[str, Any]) -> Verdict:
    """The verdict of npm's report."""
    if "metadata" not in report:
        return Verdict(unanswered=["the npm registry"])
    total = int(report["metadata"].get("dependencies", {}).get("total", 0))
    known = report.get("vulnerabilities", {})
    return Verdict(total, [f"  {name}: {one.get('severity')}, {one.get('range')}" for name, one in known.items()])


def pins(requirements: Path = REQUIREMENTS) -> dict[str, str]:
    """The versions of what ships, by name."""
    lines = (line.partition("#")[0].strip() for line in requirements.read_text(encoding="utf-8").splitlines())
    return {_plain(name): version for name, _, version in (line.partition("==") for line in lines if line)}


def _plain(name: str) -> str:
    """The name as the index compares names (PEP 503), without extras."""
    return re.sub(r"[-_.]+", "-", name.partition("[")[0]).lower()


def _report(*command: str) -> dict[str, Any]:
    """What a program prints as JSON; both end with an error when they find something."""
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        print(done.stderr[-2000:], file=sys.stderr)
        return {}
    return found


def main() -> int:
    audit = str(Path(sys.executable).with_name("pip-audit"))
    python = _report(audit, "--local", "--format", "json", "--progress-spinner", "off")
    verdicts = {
        "Python packages": of_python(python, pins()) if python else Verdict(unanswered=["the package index"]),
        "npm packages": of_node(_report("npm", "audit", "--json")),
    }
    for what, verdict in verdicts.items():
        print(verdict.told(what))
    codes = {verdict.code for verdict in verdicts.values()}
    return VULNERABLE if VULNERABLE in codes else max(codes)


if __name__ == "__main__":
    raise SystemExit(main())
