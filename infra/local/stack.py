"""The local stack: MiniStack with our templates in it, the simulators, and the front. No Docker, no AWS account."""

import contextlib
import json
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from infra import names
from infra.local import deployment, fixtures, templates, tools
from infra.local.deployment import REGION, Aws, Deployed
from infra.local.places import KEPT, Busy, free_port, held, holder, remove_stale_folders, volatile_folder
from infra.local.processes import CREDENTIALS, Processes, environment, processes
from infra.local.progress import Phases

# A day passes in 24 minutes. 1 is real time; at 1440 a day takes a minute.
TIME_SCALE = 60.0
FRONT_PORT, SIMULATORS_PORT = 8700, 8701
# Event types as CloudFormation and as SES's notifications write them.
SES_EVENTS = {
    "DELIVERY": "Delivery", "BOUNCE": "Bounce", "COMPLAINT": "Complaint", "REJECT": "Reject",
    "DELIVERY_DELAY": "DeliveryDelay", "RENDERING_FAILURE": "Rendering Failure", "SEND": "Send",
}  # fmt: skip


@dataclass(frozen=True)
class Stack:
    """A running local stack: what `stack.json` says."""

    api_url: str
    docs_url: str
    mailbox_url: str
    sign_url: str
    simulators_url: str
    callback_urls: dict[str, str]
    endpoint: str
    region: str
    account: str
    table: str
    bus: str
    bucket: str
    queues: dict[str, str]
    topics: dict[str, str]
    machines: dict[str, str]
    functions: list[str]
    time_scale: float
    time_anchor: float
    logs: str
    tenant: str = ""
    api_key: str = ""

    def client(self, service: str) -> Any:
        """A boto3 client of the emulator."""
        return Aws(self.endpoint).client(service)

    def write(self, folder: Path) -> None:
        """Into `stack.json`. It holds a key: only its owner may read it."""
        file = folder / "stack.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(asdict(self), indent=2) + "\n")


@dataclass(frozen=True)
class Plan:
    """What to start: `folder` gets logs, mailbox and stack.json; `ports` are taken when free."""

    folder: Path = KEPT
    time_scale: float = TIME_SCALE
    ports: tuple[int, int] = (FRONT_PORT, SIMULATORS_PORT)
    phases: Phases = field(default_factory=Phases)
    seed: Callable[[Any], dict[str, str]] = fixtures.seed

    @property
    def lock(self) -> Path:
        return self.folder / "stack.lock"


@contextlib.contextmanager
def up(plan: Plan) -> Iterator[tuple[Stack, Processes]]:
    """Runs a stack for as long as the block. Raises Busy when the folder already has one, and Died."""
    refusal = (
        f"A local stack is already running here (process {holder(plan.lock)}). Stop it: python -m infra.local down"
    )
    with held(plan.lock, wait=False, refusal=refusal), processes(plan.folder / "logs") as running:
        remove_stale_folders()
        memory = volatile_folder()
        running.remove_at_end(memory)
        with held(memory / "lock", wait=False):
            try:
                yield _started(plan, running, memory), running
            finally:
                (plan.folder / "stack.json").unlink(missing_ok=True)


def _started(plan: Plan, running: Processes, memory: Path) -> Stack:
    front, simulators, emulator = free_port(plan.ports[0]), free_port(plan.ports[1]), free_port()
    aws, anchor = Aws(f"http://127.0.0.1:{emulator}"), time.time()
    simulators_url = f"http://127.0.0.1:{simulators}"
    with plan.phases.phase("tools"):
        python, cdk = tools.emulator_python(running), tools.cdk(running)
    with plan.phases.phase("templates"):
        templates.synthesized(running, cdk)
    with plan.phases.phase("emulator, simulators"):
        clock = {"TIME_SCALE": f"{plan.time_scale:g}", "TIME_ANCHOR": f"{anchor:.3f}"}
        env = _emulator_environment(aws.endpoint, emulator, simulators_url, plan.time_scale, memory)
        running.start("emulator", [str(python), "-P", "infra/local/emulator.py"], env | clock)
        command = [sys.executable, "-m", "infra.local.simulators", "--port", str(simulators)]
        command += ["--data", str(plan.folder / "providers")]
        running.start("simulators", command, environment(**CREDENTIALS) | clock)
        running.wait_until_healthy("emulator", f"{aws.endpoint}/_ministack/health")
        running.wait_until_healthy("simulators", f"{simulators_url}/health")
    api_url = f"http://127.0.0.1:{front}"
    with plan.phases.phase("deployment", len(templates.stacks())) as done, templates.unchanged():
        given = {"PublicUrl": api_url, "SharedSenders": ",".join(fixtures.SENDING_DOMAINS)}
        deployment.deploy(running, cdk, aws, given, lambda _: done())
        deployed = deployment.look_up(aws)
    callbacks = _open_front(running, emulator, front, deployed)
    _configure(simulators_url, aws, deployed, callbacks)
    stack = _described(plan, running, aws, deployed, api_url, simulators_url, callbacks, anchor)
    with plan.phases.phase("fixtures"):
        stack = Stack(**(asdict(stack) | plan.seed(stack)))
    stack.write(plan.folder)
    return stack


def _emulator_environment(endpoint: str, port: int, simulators: str, scale: float, memory: Path) -> dict[str, str]:
    """MiniStack's own, which every function inherits. Nothing of the shell is in it but the path and the home."""
    return environment(
        **CREDENTIALS,
        AWS_ENDPOINT_URL=endpoint,
        AWS_ENDPOINT_URL_SESV2=simulators,
        SENDGRID_API_URL=simulators,
        TWILIO_API_URL=simulators,
        DNS_SERVER=simulators.removeprefix("http://"),
        EGRESS_LOCAL=simulators.removeprefix("http://"),
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=str(port),
        MINISTACK_REGION=REGION,
        SFN_WAIT_SCALE=f"{1 / scale:.9f}",
        TMPDIR=str(memory),
        # Listeners of services that are not used here.
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        LOG_LEVEL="WARNING",
    )


def _open_front(running: Processes, emulator: int, port: int, deployed: Deployed) -> dict[str, str]:
    """Starts the front and gives the address of each function URL, by function."""
    doors, addresses = {port: f"/_aws/execute-api/{deployed.api}/$default"}, {}
    for function, url in sorted(deployed.function_urls.items()):
        door = free_port()
        doors[door] = f"/_aws/lambda-url/{url.split('//')[1].split('.')[0]}"
        addresses[function] = f"http://127.0.0.1:{door}"
    command = [sys.executable, "-m", "infra.local.front", "--emulator", str(emulator)]
    running.start("front", [*command, *(f"{door}={path}" for door, path in doors.items())], environment())
    running.wait_until_open("front", port)
    return addresses


def _configure(simulators: str, aws: Aws, deployed: Deployed, callbacks: dict[str, str]) -> None:
    """Tells the simulated SES where its events go: as the topics are subscribed, to a URL at its local address."""
    destinations = []
    for topic, types in templates.mail_events(names.BASE_STACK).items():
        arn = deployed.topics[topic.removeprefix(f"{names.PREFIX}-")]
        events = [SES_EVENTS[type_] for type_ in types if type_ in SES_EVENTS]
        if not events:
            continue
        own = {"events": events, "topic_arn": arn, "configuration_set": names.CONFIGURATION_SET}
        subscriptions = aws.client("sns").list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
        if any(subscription["Protocol"] == "sqs" for subscription in subscriptions):
            destinations.append(own | {"kind": "sns"})
        endpoints = {subscription["Endpoint"].rstrip("/") for subscription in subscriptions}
        for function, url in deployed.function_urls.items():
            if url.rstrip("/") in endpoints:
                destinations.append(own | {"kind": "https", "url": callbacks[function]})
    config = {
        "aws": {"endpoint_url": aws.endpoint, "region": REGION},
        "ses": {
            "configuration_sets": [names.CONFIGURATION_SET],
            "destinations": destinations,
            "verified": list(fixtures.SENDING_DOMAINS),
        },
    }
    request = urllib.request.Request(  # noqa: S310 - our own simulators
        f"{simulators}/config", json.dumps(config).encode(), {"content-type": "application/json"}, method="PUT"
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310


def _described(
    plan: Plan, running: Processes, aws: Aws, deployed: Deployed, api_url: str, simulators: str,
    callbacks: dict[str, str], anchor: float,
) -> Stack:  # fmt: skip
    return Stack(
        api_url=api_url,
        docs_url=f"{api_url}/docs",
        mailbox_url=f"{simulators}/mailbox",
        sign_url=f"{simulators}/sign",
        simulators_url=simulators,
        callback_urls=callbacks,
        endpoint=aws.endpoint,
        region=REGION,
        account=deployment.ACCOUNT,
        table=names.TABLE,
        bus=names.BUS,
        bucket=f"{names.PREFIX}-data-{deployment.ACCOUNT}-{REGION}",
        queues=deployed.queues,
        topics=deployed.topics,
        machines=deployed.machines,
        functions=deployed.functions,
        time_scale=plan.time_scale,
        time_anchor=anchor,
        logs=str(running.logs),
    )


def read(folder: Path = KEPT) -> Stack:
    """The stack that runs with this folder. Raises Busy when none does."""
    file = folder / "stack.json"
    if not file.exists() or holder(folder / "stack.lock") is None:
        raise Busy("No local stack is running here. Start one: make dev")
    return Stack(**json.loads(file.read_text()))
