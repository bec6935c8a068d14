"""Twilio as tests have it: the local stack's simulator behind the SDK's own client, without a socket between; callbacks
and messages that people send go to the functions, signed by Twilio's own library."""

import functools
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from twilio.request_validator import RequestValidator

from infra.local.simulators import server
from infra.local.simulators.config import Config
from infra.local.simulators.config import Twilio as Account
from infra.local.simulators.http import Reply, Request
from infra.local.simulators.notify import Callback
from infra.local.simulators.simulation import Simulation
from tests import harness
from tests.world import World

SID, SERVICE, TOKEN = "AC00000000000000000000000000000000", f"MG{'5' * 32}", "0123456789abcdef0123456789abcdef"
PUBLIC, FOOTER = "https://track.example", "harness.Reply STOP to end"
ACCOUNT: dict[str, Any] = {
    "name": "Texts", "channel": "sms", "provider": "twilio",
    "config": {"account_sid": SID, "messaging_service_sid": SERVICE, "per_second": 100},
    "credentials": {"auth_token": TOKEN},
}  # fmt: skip


class _Kept:
    """Keeps what the simulator would carry to the product."""

    def __init__(self) -> None:
        self.jobs: list[Callback] = []

    def put(self, job: Any, delay: float = 0.0) -> None:
        self.jobs.append(job)

    def close(self) -> None:
        """There is nothing to stop."""


@functools.cache
def _simulation() -> Simulation:
    """One for all tests: its keys take longer than most tests do."""
    made = Simulation(Path(tempfile.mkdtemp(prefix="twilio-")))
    made.dispatcher.close()
    return made


class Twilio:
    """What was asked (`asked`), and what comes instead of the simulator's answer, one a request: an exception, a status
    with a code, or a function of the answer. `accepts`: the simulator does its work before."""

    def __init__(self, simulation: Simulation) -> None:
        self.sim = simulation
        self.callbacks = _Kept()
        self.sim.dispatcher = self.callbacks  # type: ignore[assignment]
        self.sim.mailbox.clear()
        self.sim.opted_out.clear()
        self.sim.script.clear()
        self.sim.configure(Config(twilio=Account(account_sid=SID, auth_token=TOKEN)))
        self.asked: list[tuple[str, dict[str, list[str]], Any]] = []
        self.faults: list[tuple[Exception | Reply, bool]] = []

    def fails(self, how: Exception | Reply, *, accepts: bool = False) -> None:
        """The next request fails; with `accepts` after the message was taken."""
        self.faults.append((how, accepts))

    @property
    def sent(self) -> list[tuple[str, str]]:
        """(number, text) of accepted messages, in order."""
        return [(mail.to[0], self.sim.mailbox.render(mail).text) for mail in self.sim.mailbox.every()]

    @property
    def forms(self) -> list[dict[str, list[str]]]:
        """The parameters of requests to send."""
        return [form for method, form, _ in self.asked if method == "POST"]

    def carry(self, adapter: HTTPAdapter, sent: requests.PreparedRequest, **options: Any) -> requests.Response:
        """What requests' adapter does: in place of a connection the simulator answers."""
        parts = urlsplit(str(sent.url))
        raw = str(sent.body or "").encode()
        form: dict[str, list[str]] = {}
        for name, value in parse_qsl(raw.decode() or parts.query, keep_blank_values=True):
            form.setdefault(name, []).append(value)
        self.asked.append((str(sent.method), form, options.get("timeout")))
        headers = {name.lower(): str(value) for name, value in sent.headers.items()}
        request = Request(str(sent.method), parts.path, dict(parse_qsl(parts.query)), headers, raw)
        route = server.find(request)
        assert route is not None, f"Twilio has no {sent.method} {parts.path}"
        how, accepts = self.faults.pop(0) if self.faults else (None, False)
        answer = server.answer(self.sim, route, request) if how is None or accepts else Reply()
        if isinstance(how, Exception):
            raise how
        return _response(sent, how or answer)

    def report(self, world: World, job: Callback) -> harness.Reply:
        """Twilio calls back: the function gets the very bytes."""
        headers, body = job.build()
        return posted(world, job.url, body, headers)

    def reports(self, world: World) -> list[harness.Reply]:
        """All callbacks that there are, once, in order."""
        jobs, self.callbacks.jobs = self.callbacks.jobs, []
        return [self.report(world, job) for job in jobs]


def _response(sent: requests.PreparedRequest, answer: Reply) -> requests.Response:
    made = requests.Response()
    made.status_code, made._content, made.request = answer.status, answer.body, sent
    made.headers.update({"Content-Type": answer.content_type, **answer.headers})
    made.url, made.encoding = str(sent.url), "utf-8"
    return made


def refusal(status: int, code: int, **headers: str) -> Reply:
    """An error in Twilio's shape; a header's name has `_` for `-`."""
    said = {"code": code, "message": "no", "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}
    return Reply.json(said, status, {name.replace("_", "-"): value for name, value in headers.items()})


@contextmanager
def twilio() -> Iterator[Twilio]:
    """Requests of the SDK go to this one meanwhile."""
    made = Twilio(_simulation())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(HTTPAdapter, "send", lambda adapter, sent, **options: made.carry(adapter, sent, **options))
        yield made


def signed(url: str, said: Mapping[str, str], token: str = TOKEN) -> dict[str, str]:
    """The headers of a form, signed by Twilio's library."""
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": RequestValidator(token).compute_signature(url, dict(said)),
    }


def posted(world: World, url: str, body: bytes, headers: Mapping[str, str]) -> harness.Reply:
    """What the product answers to a POST at a public address."""
    parts = urlsplit(url)
    path = parts.path.removeprefix("/webhooks/twilio").strip("/")
    request: dict[str, Any] = {"body": body, "headers": headers, "query": dict(parse_qsl(parts.query)), "tenant": None}
    if not path:
        return world.call("feedback.receive_twilio", **request)
    if path.endswith("/messages"):
        return world.call("feedback.receive_sms", path={"callback": path.removesuffix("/messages")}, **request)
    return world.call("feedback.receive_twilio_report", path={"callback": path}, **request)


def text(world: World, url: str, sender: str, body: str, sid: str, *, token: str = TOKEN, **more: str) -> harness.Reply:
    """Somebody texts to a number whose messages go to `url`."""
    said = {
        "MessageSid": sid, "SmsSid": sid, "AccountSid": SID, "From": sender, "To": "+15005550006", "Body": body,
        "NumMedia": "0", "NumSegments": "1", "SmsStatus": "received", "ApiVersion": "2010-04-01", **more,
    }  # fmt: skip
    return posted(world, url, urlencode(said).encode(), signed(url, said, token))


def account(world: World, tenant: str = "acme", **config: Any) -> dict[str, Any]:
    """A new account at Twilio that a tenant's text messages go over."""
    wanted = {**ACCOUNT, "config": {**ACCOUNT["config"], **config}}
    made: dict[str, Any] = world.call("providers.create_account", tenant=tenant, body=wanted).data
    chosen = {"channels": {"sms": {"account": made["id"]}}, "sms_footer": {"en": FOOTER}}
    assert world.call("accounts.update_settings", tenant=tenant, body=chosen).status == 200
    return made
