"""What a simulator is told: identities, rates, and where events go. JSON in, checked, merged over what is there."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_type_hints

EVENTS = {"Send", "Delivery", "Bounce", "Complaint", "Reject", "DeliveryDelay", "Rendering Failure"}
MAX_REQUEST_BYTES = 10 * 1024 * 1024


class BadConfig(ValueError):
    """A configuration, script or fault that makes no sense; the text names what."""


@dataclass(frozen=True)
class Destination:
    """Where SES publishes events of the kinds in `events`.

    `sns` publishes to `topic_arn` through the AWS endpoint, `sqs` puts the raw event on `queue_url`, `https` posts a
    signed SNS notification to `url` under the name of `topic_arn`. `configuration_set` narrows it to one.
    """

    kind: Literal["sns", "sqs", "https"]
    events: list[str]
    url: str = ""
    topic_arn: str = "arn:aws:sns:us-east-1:000000000000:ses-events"
    queue_url: str = ""
    configuration_set: str | None = None


@dataclass(frozen=True)
class Ses:
    """The simulated SES account. `max_send_rate` is recipients a second, `max_24_hour_send` recipients in 24 hours.

    SES may refuse a bulk call whole or entry by entry for the same reason (a bad entry, a paused account):
    `refuse_whole_call` makes it the former. New identities are pending until `POST /verify`, unless `verify_at_once`.
    Without `carry_events` what happens is only in the truth.
    """

    verified: list[str] = field(default_factory=lambda: ["example.com"])
    verify_at_once: bool = True
    mail_from_unverified: list[str] = field(default_factory=list)
    max_send_rate: float = 10_000.0
    max_24_hour_send: float = 10_000_000.0
    sending_enabled: bool = True
    production_access: bool = True
    enforcement_status: str = "HEALTHY"
    refuse_whole_call: bool = False
    configuration_sets: list[str] = field(default_factory=list)
    paused_configuration_sets: list[str] = field(default_factory=list)
    suppressed_reasons: list[str] = field(default_factory=list)
    max_request_bytes: int = MAX_REQUEST_BYTES
    destinations: list[Destination] = field(default_factory=list)
    carry_events: bool = True
    vdm_enabled: bool = False


@dataclass(frozen=True)
class SendGrid:
    """`api_keys` empty accepts every key. `callback_url` receives the event webhook; accounts in `callbacks` (by API
    key) have an address of their own. `domains` are authenticated; empty: all are. `templates` are dynamic ones by
    id, with `subject`, `html` and `text`."""

    api_keys: list[str] = field(default_factory=list)
    callback_url: str = ""
    callbacks: dict[str, str] = field(default_factory=dict)
    domains: list[str] = field(default_factory=list)
    templates: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Twilio:
    """`auth_token` empty means the simulator's own, which `GET /keys` shows. A messaging service sends from `number`.

    `inbound_url` receives what people text. With `advanced_opt_out` Twilio itself acts on STOP, START and HELP, answers
    them and says so in its request; without, they are messages like others, and nobody is blocked.
    """

    account_sid: str = "AC00000000000000000000000000000000"
    auth_token: str = ""
    number: str = "+15005550006"
    inbound_url: str = ""
    advanced_opt_out: bool = False


@dataclass(frozen=True)
class Aws:
    """The endpoint that SNS and SQS are reached at; None is what the SDK would choose."""

    endpoint_url: str | None = None
    region: str = "us-east-1"
    access_key_id: str = "test"
    secret_access_key: str = "test"  # noqa: S105 - emulators take any


@dataclass(frozen=True)
class Config:
    """Everything; see the parts."""

    ses: Ses = field(default_factory=Ses)
    sendgrid: SendGrid = field(default_factory=SendGrid)
    twilio: Twilio = field(default_factory=Twilio)
    aws: Aws = field(default_factory=Aws)


def merge(config: Config, changes: dict[str, Any]) -> Config:
    """`config` with the parts and values of `changes` put over it; BadConfig names an unknown key or a wrong type."""
    parts = {}
    for name, values in changes.items():
        if name not in {part.name for part in fields(Config)} or not isinstance(values, dict):
            raise BadConfig(f"unknown part: {name}")
        parts[name] = _merge_part(getattr(config, name), name, values)
    return replace(config, **parts)


def _merge_part(part: Any, name: str, values: dict[str, Any]) -> Any:
    known = get_type_hints(type(part))
    new: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known:
            raise BadConfig(f"unknown setting: {name}.{key}")
        if key == "destinations":
            value = [destination(item) for item in _list(value, name, key)]
        elif isinstance(getattr(part, key), dict):
            if not isinstance(value, dict):
                raise BadConfig(f"{name}.{key} is an object")
            value = {**getattr(part, key), **value}
        elif isinstance(getattr(part, key), list):
            value = [str(item) for item in _list(value, name, key)]
        elif isinstance(getattr(part, key), bool) != isinstance(value, bool):
            raise BadConfig(f"wrong type: {name}.{key}")
        elif known[key] in (int, float):
            value = _number(value, name, key)
        elif known[key] is str and not isinstance(value, str):
            raise BadConfig(f"wrong type: {name}.{key}")
        new[key] = value
    return replace(part, **new)


def destination(values: dict[str, Any]) -> Destination:
    """One event destination; BadConfig when its address for its kind is missing."""
    try:
        made = Destination(**values)
    except TypeError as error:
        raise BadConfig(f"destination: {error}") from None
    if unknown := set(made.events) - EVENTS:
        raise BadConfig(f"destination: unknown events {', '.join(sorted(unknown))}")
    needed = {"sns": made.topic_arn, "sqs": made.queue_url, "https": made.url}
    if not needed.get(made.kind):
        raise BadConfig(f"destination of kind {made.kind!r} needs its topic_arn, queue_url or url")
    return made


def as_json(config: Config) -> dict[str, Any]:
    """The configuration as `PUT /config` takes it."""
    return asdict(config)


def _list(value: Any, name: str, key: str) -> list[Any]:
    if not isinstance(value, list):
        raise BadConfig(f"{name}.{key} is a list")
    return value


def _number(value: Any, name: str, key: str) -> float:
    if not isinstance(value, int | float) or value < 0:
        raise BadConfig(f"{name}.{key} is a number of at least 0")
    return value
