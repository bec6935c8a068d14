"""What the launcher changes in MiniStack, which is not installed here: small stand-ins have the shape of its parts."""

import asyncio
import io
import json
import sys
import tempfile
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from infra.local import emulator

Part = Callable[..., Any]
ANCHOR = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch) -> Part:
    """Makes a module of MiniStack with these contents."""

    def make(name: str, **contents: Any) -> ModuleType:
        module = ModuleType(f"ministack.{name}")
        module.__dict__.update(contents)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return module

    make("services")
    monkeypatch.setitem(sys.modules, "ministack", ModuleType("ministack"))
    monkeypatch.setattr(emulator, "SCALE", 60.0)
    monkeypatch.setattr(emulator, "ANCHOR", ANCHOR.timestamp())
    return make


def test_schedules_follow_the_business_clock(part: Part) -> None:
    def next_hour(_: Any, after: datetime) -> datetime:
        return after.replace(minute=0, second=0) + timedelta(hours=1)

    bus = part("services.eventbridge", _parse_rate_seconds={"hour": 3600, "minute": 60}.get, _cron_next_fire=next_hour)
    scheduler = part("services.scheduler")

    emulator.put_schedules_on_the_business_clock()

    assert (bus._parse_rate_seconds("hour"), bus._parse_rate_seconds("cron")) == (60, None)
    assert bus._parse_rate_seconds("minute") == emulator.LEAST_SECONDS_BETWEEN_FIRINGS
    # Half a business hour after the anchor is 30 real seconds after it; the next full hour comes 30 s later.
    assert bus._cron_next_fire(None, ANCHOR + timedelta(seconds=30)) == ANCHOR + timedelta(seconds=60)
    assert scheduler._SCHEDULE_TICK_INTERVAL < 1


@pytest.mark.parametrize(("cors", "answer"), [({}, "route OPTIONS /v1/forms"), ({"allowOrigins": ["*"]}, "preflight")])
def test_options_reaches_a_function_unless_the_api_answers_cors(part: Part, cors: Any, answer: str) -> None:
    async def execute(_: str, __: str, path: str, method: str) -> str:
        if method == "OPTIONS":
            return "preflight"
        return f"route {method} {path}" if method == "OPTIONS" else "no route"

    api = part("services.apigateway", _apis={"a": {"corsConfiguration": cors}}, _handle_execute_in_scope=execute)
    emulator.let_options_reach_functions()

    assert asyncio.run(api._handle_execute_in_scope("a", "$default", "/v1/forms", "OPTIONS")) == answer
    assert asyncio.run(api._handle_execute_in_scope("a", "$default", "/v1/forms", "GET")) == "no route"


def test_an_alarm_over_a_formula_is_kept(part: Part) -> None:
    def record(name: str, properties: dict[str, Any]) -> Any:
        assert "Metrics" not in properties
        return name, properties["MetricName"], properties["Threshold"]

    alarms = part("services.cloudformation.provisioners", _cw_metric_alarm_record=record)
    emulator.keep_alarms_over_formulas()

    assert alarms._cw_metric_alarm_record("a", {"Metrics": [{}], "Threshold": 1}) == ("a", "Formula", 1)
    assert alarms._cw_metric_alarm_record("b", {"MetricName": "Errors", "Threshold": 1}) == ("b", "Errors", 1)


def test_workers_share_one_unpacked_layer(part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    runtime: Any = part("core.lambda_runtime")
    emulator.share_layers_between_workers()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as layer:
        layer.writestr("python/drumbeat/clock.py", "now = 1")

    for worker in ("one", "two"):
        for kind in ("layer_0", "code"):
            (tmp_path / worker / kind).mkdir(parents=True)
            archive = tmp_path / worker / f"{kind}.zip"
            archive.write_bytes(content.getvalue())
            with runtime.zipfile.ZipFile(archive) as opened:
                opened.extractall(tmp_path / worker / kind)

    one, two = (tmp_path / worker / "layer_0" / "python" for worker in ("one", "two"))
    assert (one / "drumbeat" / "clock.py").read_text() == "now = 1"
    assert one.resolve() == two.resolve()
    assert (tmp_path / "one" / "code" / "python" / "drumbeat" / "clock.py").read_text() == "now = 1"
    assert not (tmp_path / "one" / "code" / "python").is_symlink()


def test_the_workers_that_were_idle_longest_are_ended(part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "MOST_IDLE_WORKERS", 1)
    busy, old, fresh = (SimpleNamespace(in_use=use, last_used=at) for use, at in ((True, 0), (False, 1), (False, 2)))
    pools = {"a": [busy, old], "b": [fresh]}

    assert emulator.surplus(pools) == [old]
    assert pools == {"a": [busy], "b": [fresh]}


@pytest.mark.skipif(sys.platform != "linux", reason="pidfd and send_fds are Linux; elsewhere workers start as ever")
def test_a_forked_worker_is_as_one_that_was_started_by_itself(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text(
        "import json, os, sys\n"
        "for line in sys.stdin:\n"
        "    print(json.dumps([line.strip(), os.environ['NAME'], 'HOME' in os.environ, os.getcwd(), sys.argv]))\n"
        "    print('a word', file=sys.stderr)\n"
    )
    nurseries = emulator.Nurseries()
    environment = {"_LAMBDA_LAYERS_DIRS": str(tmp_path)}
    workers = [
        nurseries.start([sys.executable, str(script)], cwd=str(tmp_path), env={**environment, "NAME": name})
        for name in ("first", "second")
    ]

    said = []
    for worker in workers:
        assert worker.poll() is None
        worker.stdin.write("hello\n")
        worker.stdin.flush()
        said.append((json.loads(worker.stdout.readline()), worker.stderr.readline()))
    first, second = workers
    first.stdin.close()
    second.terminate()

    assert said == [
        (["hello", name, False, str(tmp_path), [str(script)]], "a word\n") for name in ("first", "second")
    ]  # fmt: skip
    assert [worker.wait(timeout=10) for worker in workers] == [0, 0]
    assert [worker.poll() for worker in workers] == [0, 0]
    for worker in workers:
        for stream in (worker.stdin, worker.stdout, worker.stderr):
            stream.close()
    nurseries.close()
