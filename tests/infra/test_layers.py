"""What ships: two layers that stay small, and functions that are one file each."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from infra import discovery, layers

LARGEST = 70  # MB unpacked, byte code included; Lambda allows 250 for everything, and each local worker unpacks its own
RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")


@pytest.fixture(scope="module")
def vendor() -> Path:
    return layers.vendor(layers.this_machine()) / "python"


def test_the_vendor_layer_is_small_and_has_what_the_runtime_has_not(vendor: Path) -> None:
    megabytes = sum(path.stat().st_size for path in vendor.rglob("*") if path.is_file()) / 1e6
    assert megabytes < LARGEST
    assert not [name for name in layers.RUNTIME_HAS if (vendor / name).exists()]
    assert not (vendor / "babel" / "locale-data").exists()
    assert not [path for path in vendor.rglob("tests") if path.is_dir()]


def test_the_vendor_layer_has_byte_code_that_needs_no_file_times(vendor: Path) -> None:
    compiled = list((vendor / "pydantic").rglob("*.pyc"))
    assert compiled
    assert {path.read_bytes()[4] & 0b11 for path in compiled} == {0b01}  # PEP 552: a hash, not checked


def test_the_code_layer_has_sources_only(tmp_path: Path) -> None:
    source = tmp_path / "layer"
    for name in (
        "python/drumbeat/ids.py",
        "python/drumbeat/__pycache__/ids.pyc",
        "python/drumbeat/py.typed",
        "README.md",
    ):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("")
    made = layers.code(tmp_path / "build", source)
    files = sorted(str(path.relative_to(made)) for path in made.rglob("*") if path.is_file())
    assert files == ["python/drumbeat/ids.py", "python/drumbeat/py.typed"]


def test_the_code_layer_of_a_platform_has_byte_code(tmp_path: Path) -> None:
    made = layers.code(tmp_path, platform=layers.this_machine())
    assert list(made.glob("python/drumbeat/__pycache__/ids.*.pyc"))


def test_a_function_ships_alone(tmp_path: Path) -> None:
    for name in ("weigh_parcel.py", "send_parcel.py"):
        (tmp_path / "depot").mkdir(exist_ok=True)
        (tmp_path / "depot" / name).write_text(f"NAME = {name!r}\n")
    folder = layers.function(tmp_path / "depot" / "weigh_parcel.py", tmp_path / "build")
    assert [path.name for path in folder.iterdir()] == ["weigh_parcel.py"]


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but the AWS SDK and what it needs, as in Lambda's runtime."""
    folder = tmp_path_factory.mktemp("sdk")
    for name in RUNTIME_PACKAGES:
        spec = importlib.util.find_spec(name)
        assert spec and spec.origin
        origin = Path(spec.origin)
        real = origin.parent if origin.name == "__init__.py" else origin
        (folder / real.name).symlink_to(real)
    return folder


IMPORT_ALL = """
import importlib.util, os, sys
for path in sys.argv[1:]:
    *_, context, file = path.split("/")
    os.environ["FUNCTION"] = f"{context}.{file.removesuffix('.py')}"
    spec = importlib.util.spec_from_file_location(file.removesuffix(".py"), path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    assert module.handler.declaration.name == os.environ["FUNCTION"], path
"""


def test_every_function_imports_with_the_layers_and_the_sdk_alone(vendor: Path, sdk: Path) -> None:
    path = ":".join(map(str, (discovery.CODE_LAYER / "python", vendor, sdk)))
    files = [str(found) for found in sorted(discovery.FUNCTIONS.glob("*/*.py"))]
    environment = {"PYTHONPATH": path, "AWS_REGION": "us-east-1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-S", "-s", "-c", IMPORT_ALL, *files]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


IMPORT_EACH = """
import importlib, sys
for said in sys.argv[1:]:
    module, _, name = said.partition(":")
    found = importlib.import_module(module)
    if name and not hasattr(found, name):
        importlib.import_module(f"{module}.{name}")
"""


def others_imports() -> set[str]:
    """What our code imports of others' packages, as `module:name`: also within functions, when it is first needed."""
    found: set[str] = set()
    for path in (discovery.CODE_LAYER / "python").rglob("*.py"):
        tree = ast.parse(path.read_text())
        choices = [node for node in ast.walk(tree) if isinstance(node, ast.If)]
        typing = [node for node in choices if "TYPE_CHECKING" in ast.dump(node.test)]
        unseen = {id(inner) for node in typing for inner in ast.walk(node)}
        for node in ast.walk(tree):
            if id(node) not in unseen and isinstance(node, ast.Import):
                found |= {one.name for one in node.names}
            elif id(node) not in unseen and isinstance(node, ast.ImportFrom) and node.module:
                found |= {f"{node.module}:{one.name}" for one in node.names}
    ours = {"drumbeat", *sys.stdlib_module_names}
    return {said for said in found if said.partition(":")[0].partition(".")[0] not in ours}


def test_what_is_imported_when_it_is_first_needed_is_in_the_layers(vendor: Path, sdk: Path) -> None:
    wanted = sorted(others_imports())
    assert "phonenumbers:carrier" in wanted
    environment = {"PYTHONPATH": f"{vendor}:{sdk}", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-S", "-s", "-c", IMPORT_EACH, *wanted]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


ASK_TWILIO = """
import sys
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
Client("AC0", "token", http_client=TwilioHttpClient(timeout=1.0))
assert "aiohttp" not in sys.modules and not [name for name in sys.modules if name.startswith("twilio.rest.")]
"""


def test_twilios_client_works_without_the_products_that_are_left_out(vendor: Path, sdk: Path) -> None:
    assert not (vendor / "twilio" / "rest" / "api").exists()
    environment = {"PYTHONPATH": f"{vendor}:{sdk}", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-S", "-s", "-c", ASK_TWILIO]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
