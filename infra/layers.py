"""The two layers: our code, and the third-party packages, built for the platform that runs them.

The vendor layer is built once per requirements and platform, under `.build/`. It carries byte code that never looks at
file times (a layer's files have none), and leaves out what the Lambda runtime has (the AWS SDK) and what we never read.
"""

import hashlib
import os
import platform as machine
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from infra.discovery import CODE_LAYER, REPOSITORY

BUILD = REPOSITORY / ".build"
REQUIREMENTS = REPOSITORY / "layers" / "vendor" / "requirements.txt"
RUNTIME_HAS = ("boto3", "botocore", "s3transfer", "jmespath", "urllib3")
UNREAD = (
    "babel/locale-data",  # 30 MB of how the world writes numbers; python-liquid's filters that read it are not ours
    "phonenumbers/geodata",  # which town a number is in
    "twilio/rest/*/",  # 23 MB of its products: the client is used without its resources (drumbeat.channels.sms.twilio)
    # Only Twilio's client for asyncio needs these.
    "aiohttp", "aiohttp_retry", "aiosignal", "aiohappyeyeballs", "frozenlist", "multidict", "propcache", "yarl",
    "werkzeug",  # only for the SDK of SendGrid to receive mails with
    "bin",
)  # fmt: skip
RECIPE = "3"  # change it when this file builds something else from the same requirements


@dataclass(frozen=True, slots=True)
class Platform:
    """Where functions run: AWS, or this machine for the local stack."""

    name: str
    wheels: str
    python: str

    @property
    def local(self) -> bool:
        return self.name == "local"


RUNTIME = "python3.13"
ARCHITECTURE = "arm64"
AWS = Platform("aws", "aarch64-manylinux_2_28", RUNTIME.removeprefix("python"))


def this_machine() -> Platform:
    system = {"Darwin": "apple-darwin", "Linux": "unknown-linux-gnu"}.get(machine.system(), "pc-windows-msvc")
    processor = {"arm64": "aarch64", "AMD64": "x86_64"}.get(machine.machine(), machine.machine())
    return Platform("local", f"{processor}-{system}", f"{sys.version_info.major}.{sys.version_info.minor}")


def vendor(platform: Platform, requirements: Path = REQUIREMENTS, build: Path = BUILD) -> Path:
    """The folder of the vendor layer (it has `python/` in it), built if these requirements were not built before."""
    key = hashlib.sha256(f"{RECIPE} {platform.wheels} {platform.python} {requirements.read_text()}".encode())
    folder = build / f"vendor-{platform.name}-{key.hexdigest()[:16]}"
    if not folder.exists():
        unfinished = build / f"unfinished-{os.getpid()}"
        shutil.rmtree(unfinished, ignore_errors=True)
        packages = unfinished / "python"
        _install(platform, requirements, packages)
        _strip(packages)
        _compile(platform, packages)
        _moved(unfinished, folder)
    return folder


def code(build: Path = BUILD, source: Path = CODE_LAYER, platform: Platform | None = None) -> Path:
    """The folder of the code layer: a copy of the sources alone, so that neither caches nor notes change its hash.

    With a platform it carries byte code as well: Lambda's layers cannot be written to, so nothing is cached there.
    """
    sources = [
        path for path in sorted(source.glob("python/drumbeat/**/*"))
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    ]  # fmt: skip
    key = hashlib.sha256(f"{RECIPE} {platform}".encode())
    for path in sources:
        key.update(f"{path.relative_to(source)}\0".encode() + path.read_bytes() + b"\0")
    folder = build / f"code-{key.hexdigest()[:16]}"
    if not folder.exists():
        unfinished = build / f"unfinished-code-{os.getpid()}"
        shutil.rmtree(unfinished, ignore_errors=True)
        for path in sources:
            target = unfinished / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        if platform:
            _compile(platform, unfinished / "python")
        _moved(unfinished, folder)
    return folder


def function(path: Path, build: Path = BUILD) -> Path:
    """A folder with nothing but this function's file: its hash, and so its deployment, depends on that file alone."""
    folder = build / "functions" / path.parent.name / path.stem
    folder.mkdir(parents=True, exist_ok=True)
    copy, text = folder / path.name, path.read_bytes()
    if not copy.exists() or copy.read_bytes() != text:
        copy.write_bytes(text)
    return folder


def _moved(unfinished: Path, folder: Path) -> None:
    """Put a finished folder into place, unless another process was first: it built the same."""
    try:
        unfinished.rename(folder)
    except OSError:
        if not folder.exists():
            raise
        shutil.rmtree(unfinished)


def _install(platform: Platform, requirements: Path, target: Path) -> None:
    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    command = [uv, "pip", "install", "--quiet", "--target", str(target), "--python-platform", platform.wheels]
    command += ["--python-version", platform.python, "--only-binary", ":all:", "--link-mode", "copy"]
    subprocess.run([*command, "-r", str(requirements)], check=True)


def _strip(packages: Path) -> None:
    unwanted = [path for name in UNREAD for path in packages.glob(name)]
    for name in RUNTIME_HAS:
        unwanted += [packages / name, *packages.glob(f"{name}-*.dist-info")]
    # Packages read their own version and entry points from METADATA and entry_points.txt; the rest is for installers.
    unwanted += [file for file in packages.glob("*.dist-info/*") if file.name not in ("METADATA", "entry_points.txt")]
    unwanted += [folder for folder in packages.rglob("tests") if folder.is_dir()]
    unwanted += [*packages.rglob("*.pyi"), *packages.rglob("*.lock")]
    for path in unwanted:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _compile(platform: Platform, packages: Path) -> None:
    """Byte code for the runtime's Python, not checked against sources. Without that Python the layer works, slower."""
    python = _python(platform.python)
    if python is None:
        missing = f"No Python {platform.python} here: the layers have no byte code."
        print(missing, f"`uv python install {platform.python}` mends it.", file=sys.stderr)
        return
    options = ["-q", "-j", "0", "--invalidation-mode", "unchecked-hash", "-s", str(packages), "-p", "/opt/python"]
    subprocess.run([python, "-m", "compileall", *options, str(packages)], check=True)


def _python(version: str) -> str | None:
    """An interpreter of this version."""
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python{version}"))
    for candidate in [sys.executable, f"python{version}", *map(str, pyenv), *_managed(version)]:
        probe = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        try:
            answer = subprocess.run(probe, capture_output=True, text=True, check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            continue
        if answer == version:
            return candidate
    return None


def _managed(version: str) -> list[str]:
    """The interpreter that uv installed, if it did."""
    command = ["uv", "python", "find", "--managed-python", "--no-python-downloads", version]
    try:
        return [subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()]
    except (OSError, subprocess.CalledProcessError):
        return []
