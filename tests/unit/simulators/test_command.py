"""The command: starts on a free port, says where, ends on SIGTERM."""

import json
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def command(tmp_path: Path, *more: str) -> list[str]:
    data = str(tmp_path / "data")
    return [sys.executable, "-m", "infra.local.simulators", "--port", "0", "--data", data, *more]


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_it_serves_with_its_configuration_until_it_is_told_to_end(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"ses": {"max_send_rate": 14}}')
    with subprocess.Popen(
        command(tmp_path, "--config", str(config), "--with-parent"), cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        address = json.loads(process.stdout.readline())
        connection = HTTPConnection(address["url"].removeprefix("http://"), timeout=10)
        connection.request("GET", "/config")
        assert json.loads(connection.getresponse().read())["ses"]["max_send_rate"] == 14
        connection.close()
        process.terminate()
        assert process.wait(10) == 0


def test_a_bad_configuration_ends_it(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"ses": {"speed": 14}}')
    ended = subprocess.run(
        command(tmp_path, "--config", str(config)), cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    assert ended.returncode == 2
    assert "unknown setting: ses.speed" in ended.stderr
