"""The API held to its own document by schemathesis: requests that fit it and requests that do not, in one process.

What it looks at: no fault of ours, statuses, types and bodies as documented, data that the document forbids is refused,
and no answer without a credential where one is needed.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from drumbeat import access
from schemathesis import engine
from schemathesis.config import GenerationConfig, SchemathesisConfig
from schemathesis.engine.events import NonFatalError, ScenarioFinished
from schemathesis.transport.wsgi import WSGITransport

from tests import harness
from tests.gateway import Gateway
from tests.unit.mail import Provider
from tests.world import SHARED_SENDERS, World

DOCUMENT = harness.ROOT / "layers/drumbeat/python/drumbeat/reference/openapi.json"
# (operation, failure) that are as they should be, and why.
MEANT = {
    ("POST /v1/products/import", "AcceptedNegativeData"): "each row is judged by itself, and told in the answer",
    ("GET /openapi.json", "ContentDeserializationError"): "it is packed, which this client does not unpack in-process",
}
_SOCKET_SETTINGS = ("max_redirects", "verify", "cert", "proxies")
_send = WSGITransport.send


def _in_process(self: Any, case: Any, *, session: Any = None, **settings: Any) -> Any:
    """4.32 gives its probes of authentication the settings of sockets, too; an application in-process has none."""
    kept = {name: value for name, value in settings.items() if name not in _SOCKET_SETTINGS}
    return _send(self, case, session=session, **kept)


WSGITransport.send = _in_process  # type: ignore[method-assign]  # that is the point


@dataclass
class Found:
    """What a run found: lines of failures, how many requests were judged, and which routes answered."""

    problems: list[str] = field(default_factory=list)
    judged: int = 0
    asked: dict[str, int] = field(default_factory=dict)


def callers(world: World) -> dict[str, dict[str, str]]:
    """The headers of those who ask: two tenants, three roles."""
    keys = {
        f"{tenant}, {role}": world.key(tenant, tuple(sorted(access.ROLES[role])), f"{role}{tenant}")
        for tenant in ("acme", "globex")
        for role in ("admin", "marketer", "analyst")
    }
    return {who: {"X-API-Key": key} for who, key in keys.items()}


def verify_senders(provider: Provider) -> None:
    """Let SES know all senders of examples: one that it does not know is a 503, which is as documented."""
    provider.configure(verified=SHARED_SENDERS.split(","))


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return found


def run(
    world: World,
    headers: Mapping[str, str],
    *,
    methods: frozenset[str] | None = None,
    phases: frozenset[str] = frozenset({"fuzzing"}),
    examples: int = 2,
    seed: int = 1,
    seconds: int | None = None,
) -> Found:
    """Ask all operations (of these methods) as somebody, for so long at most. The same seed asks the same."""
    gateway = Gateway(world.functions)
    whole = schemathesis.openapi.from_dict(document(), config=_config(headers, phases, examples, seed, seconds))
    whole.app = gateway
    schema = whole.include(method=sorted(methods)) if methods else whole
    found = Found(asked=gateway.asked)
    for event in engine.from_schema(schema).execute():
        if isinstance(event, ScenarioFinished):
            found.judged += len(event.recorder.checks)
            found.problems += _failures(event)
        elif isinstance(event, NonFatalError):
            found.problems.append(f"{event.label}: {event.value!r}")
    found.problems = list(dict.fromkeys(found.problems))
    return found


def _config(
    headers: Mapping[str, str], phases: frozenset[str], examples: int, seed: int, seconds: int | None
) -> SchemathesisConfig:
    config = SchemathesisConfig(seed=seed, max_time=seconds)
    project = config.projects.default
    project.headers = dict(headers)
    project.continue_on_failure = True
    project.generation = GenerationConfig(
        max_examples=examples, deterministic=True, no_shrink=True, database="none"
    )  # fmt: skip
    # Addresses, time zones, criteria and templates have rules that a schema does not say.
    project.checks.positive_data_acceptance.enabled = False
    # API Gateway answers a method that a route does not have as it answers an unknown route: 404.
    project.checks.unsupported_method.enabled = False
    for name in ("examples", "coverage", "fuzzing", "stateful"):
        getattr(project.phases, name).enabled = name in phases
    return config


def _failures(event: ScenarioFinished) -> Iterator[str]:
    for checks in event.recorder.checks.values():
        for check in checks:
            if check.failure_info is None:
                continue
            failure = check.failure_info.failure
            kind = type(failure).__name__
            if (event.label, kind) not in MEANT:
                said = " ".join(failure.message.split())[:300]
                yield f"{event.label}: {kind}: {said} | {check.failure_info.code_sample[:500]}"
