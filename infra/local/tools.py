"""Programs of other people that the local stack needs: MiniStack in a virtual shell of its own, and the CDK CLI."""

import hashlib
import shutil
import sys
from pathlib import Path

from infra.local.places import EMULATOR, KEPT, ROOT, held
from infra.local.processes import Processes, shell

REQUIREMENTS = Path(__file__).parent / "requirements.txt"
CDK = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"


def emulator_python(processes: Processes) -> Path:
    """The Python that has MiniStack, made when the requirements are new."""
    python = EMULATOR / "bin" / "python"
    recipe = hashlib.sha256(f"{sys.version}\n{REQUIREMENTS.read_text()}".encode()).hexdigest()
    made = EMULATOR / "made-of"
    with held(KEPT / "emulator.lock", wait=True):
        if not made.exists() or made.read_text() != recipe:
            uv = _uv()
            shutil.rmtree(EMULATOR, ignore_errors=True)
            processes.run("venv", [uv, "venv", "--quiet", "--python", sys.executable, str(EMULATOR)], shell())
            install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
            processes.run("venv", [*install, "--requirement", str(REQUIREMENTS)], shell())
            made.write_text(recipe)
    return python


def cdk(processes: Processes) -> list[str]:
    """The command that runs the CDK CLI, installed from the lock file when it is not there."""
    with held(KEPT / "npm.lock", wait=True):
        if not CDK.exists():
            processes.run("npm", ["npm", "ci", "--no-audit", "--no-fund"], shell())
    return ["node", str(CDK)]


def _uv() -> str:
    """uv from the path, or the one that `make setup` fetched."""
    fetched = KEPT / "uv" / "bin" / "uv"
    uv = shutil.which("uv") or (str(fetched) if fetched.exists() else None)
    if uv is None:
        raise FileNotFoundError("uv is missing: run `make setup` first")
    return uv
