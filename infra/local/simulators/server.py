"""The HTTP server: which request goes where, and how faults break connections. Bound to 127.0.0.1 only."""

from __future__ import annotations

import logging
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from . import (
    control,
    customers,
    names,
    receivers,
    sendgrid,
    ses,
    ses_account,
    ses_identities,
    ses_tenants,
    twilio,
    twilio_inbound,
)
from .config import BadConfig, Config
from .faults import Fault
from .http import Reply, Request
from .ses_rules import Refused
from .simulation import Simulation

log = logging.getLogger(__name__)

Handle = Callable[[Simulation, Request], Reply]

# Method, path, what answers, and the operation that faults name ("" for routes that no fault may hit).
ROUTES: list[tuple[str, str, Handle, str]] = [
    ("POST", "/v2/email/outbound-bulk-emails", ses.send_bulk_email, "SendBulkEmail"),
    ("POST", "/v2/email/outbound-emails", ses.send_email, "SendEmail"),
    ("GET", "/v2/email/account", ses_account.get_account, "GetAccount"),
    ("POST", "/v2/email/identities", ses_identities.create_identity, "CreateEmailIdentity"),
    ("GET", "/v2/email/identities/{name}", ses_identities.get_identity, "GetEmailIdentity"),
    ("DELETE", "/v2/email/identities/{name}", ses_identities.delete_identity, ""),
    ("PUT", "/v2/email/identities/{name}/mail-from", ses_identities.put_mail_from, ""),
    ("POST", "/v2/email/tenants", ses_tenants.create_tenant, "CreateTenant"),
    ("POST", "/v2/email/tenants/get", ses_tenants.get_tenant, ""),
    ("POST", "/v2/email/tenants/resources", ses_tenants.associate, ""),
    ("POST", "/v2/email/tenants/resources/delete", ses_tenants.dissociate, ""),
    ("POST", "/v2/email/tenants/resources/list", ses_tenants.list_resources, ""),
    ("POST", "/v2/email/configuration-sets", ses_account.create_configuration_set, "CreateConfigurationSet"),
    ("GET", "/v2/email/configuration-sets/{name}", ses_account.get_configuration_set, ""),
    ("DELETE", "/v2/email/configuration-sets/{name}", ses_account.delete_configuration_set, ""),
    ("POST", "/v2/email/configuration-sets/{name}/event-destinations", ses_account.create_event_destination, ""),
    ("PUT", "/v2/email/suppression/addresses", ses_account.put_suppressed, ""),
    ("GET", "/v2/email/suppression/addresses", ses_account.list_suppressed, ""),
    ("GET", "/v2/email/suppression/addresses/{name}", ses_account.get_suppressed, ""),
    ("DELETE", "/v2/email/suppression/addresses/{name}", ses_account.delete_suppressed, ""),
    ("POST", "/v3/mail/send", sendgrid.mail_send, "MailSend"),
    ("GET", "/v3/scopes", sendgrid.scopes, ""),
    ("POST", "/2010-04-01/Accounts/{sid}/Messages.json", twilio.create_message, "CreateMessage"),
    ("GET", "/2010-04-01/Accounts/{sid}/Messages.json", twilio.list_messages, "ListMessages"),
    ("GET", "/2010-04-01/Accounts/{sid}/Messages/{message}.json", twilio.get_message, ""),
    ("GET", "/cx/{tenant}/api/v1/customers/{id}", customers.get_customer, "GetCustomer"),
    ("POST", "/cx/{tenant}/api/v1/customers/batch", customers.batch_customers, "BatchCustomers"),
    ("PUT", "/cx/{tenant}/customers", customers.put_customers, ""),
    ("GET", "/cx/{tenant}/asked", customers.get_asked, ""),
    ("POST", "/hooks/{name}", receivers.receive, "ReceiveHook"),
    ("GET", "/hooks/{name}/received", receivers.get_received, ""),
    ("GET", "/", control.mailbox_page, ""),
    ("GET", "/mailbox", control.mailbox_page, ""),
    ("DELETE", "/mailbox", control.clear_mailbox, ""),
    ("GET", "/mailbox.json", control.mailbox_json, ""),
    ("GET", "/mailbox/{id}/html", control.mail_html, ""),
    ("GET", "/mailbox/{id}.json", control.mail_json, ""),
    ("GET", "/mailbox/{id}", control.mail_page, ""),
    ("GET", "/truth", control.get_truth, ""),
    ("GET", "/script", control.get_script, ""),
    ("POST", "/script", control.post_script, ""),
    ("DELETE", "/script", control.delete_script, ""),
    ("GET", "/faults", control.get_faults, ""),
    ("POST", "/faults", control.post_faults, ""),
    ("DELETE", "/faults", control.delete_faults, ""),
    ("GET", "/config", control.get_config, ""),
    ("PUT", "/config", control.put_config, ""),
    ("GET", "/callbacks.json", control.get_callbacks, ""),
    ("GET", "/keys", control.get_keys, ""),
    ("GET", "/SimpleNotificationService-{hash}.pem", control.get_certificate, ""),
    ("POST", "/sign", control.post_sign, ""),
    ("POST", "/subscribe", control.post_subscribe, ""),
    ("POST", "/inbound", twilio_inbound.post_inbound, ""),
    ("POST", "/verify", ses_identities.post_verify, ""),
    ("PUT", "/dns", names.put_records, ""),
    ("GET", "/dns", names.get_records, ""),
    ("GET", "/health", control.health, ""),
]
# What is read from a request that is refused for its size anyway; beyond it the connection is closed.
MAX_READ_BYTES = 64 * 1024 * 1024
PORTS_TRIED = 10


@dataclass(frozen=True)
class Route:
    """One row of ROUTES, compiled."""

    method: str
    pattern: re.Pattern[str]
    handle: Handle
    operation: str


_COMPILED = [
    Route(method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path.replace(".", r"\."))), handle, operation)
    for method, path, handle, operation in ROUTES
]


def find(request: Request) -> Route | None:
    """The route, with the path's parts put into the request."""
    for route in _COMPILED:
        found = route.pattern.fullmatch(request.path) if route.method == request.method else None
        if found:
            request.params = {name: unquote(value) for name, value in found.groupdict().items()}
            return route
    return None


def answer(sim: Simulation, route: Route, request: Request) -> Reply:
    """The route's reply, or its refusal in the provider's shape."""
    try:
        return route.handle(sim, request)
    except Refused as refused:
        return ses.error(refused)
    except (BadConfig, TypeError) as error:
        if request.path.startswith(("/v2/", "/v3/", "/2010-04-01/")):
            raise
        return Reply.json({"message": str(error)}, 400)


def provider_error(request: Request, status: int) -> Reply:
    """A 429 or 500 as the provider of this path words it."""
    if request.path.startswith("/v2/email/"):
        return ses.error(ses.THROTTLED if status == 429 else Refused("InternalFailure", "Internal failure.", 500))
    text = "too many requests" if status == 429 else "Internal server error"
    if request.path.startswith("/v3/"):
        return sendgrid.error(status, text)
    if request.path.startswith("/cx/"):
        return customers.error(status, text)
    return twilio.error(status, 20429 if status == 429 else 20500, text)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # Buffered: head and body leave in one write.
    timeout = 120
    server: _Server

    def _handle(self) -> None:
        sim = self.server.sim
        request = self._request()
        if request is None:
            return
        route = find(request)
        if route is None:
            self._send(Reply.json({"message": f"no such route: {request.method} {request.path}"}, 404))
            return
        fault = sim.faults.take(route.operation, time.monotonic()) if route.operation else None
        try:
            if fault is None:
                self._send(answer(sim, route, request))
            else:
                self._faulty(fault, route, request)
        except ConnectionError:
            self.close_connection = True
        except Exception:
            log.exception("%s %s", request.method, request.path)
            self._send(Reply.json({"message": "the simulator failed; see its log"}, 500))

    do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - the base class finds them by these names

    def _request(self) -> Request | None:
        length = int(self.headers.get("Content-Length") or 0)
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower() or length > MAX_READ_BYTES:
            self.close_connection = True
            self._send(Reply.json({"message": "send a Content-Length of at most 64 MB"}, 413 if length else 411))
            return None
        body = self.rfile.read(length) if length else b""
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return Request(self.command, parts.path, query, headers, body)

    def _faulty(self, fault: Fault, route: Route, request: Request) -> None:
        """Act the fault out; `…_accepted` kinds let the provider do its work first."""
        sim, kind = self.server.sim, fault.kind
        request.fault = fault
        reply = answer(sim, route, request) if kind.endswith("_accepted") else None
        match kind.removesuffix("_accepted"):
            case "429":
                refusal = provider_error(request, 429)
                if fault.retry_after:
                    refusal.headers["Retry-After"] = f"{fault.retry_after:.0f}"
                self._send(refusal)
            case "500":
                self._send(provider_error(request, 500))
            case "timeout":
                sim.closing.wait(fault.seconds)
                self.close_connection = True
            case "reset":
                self._reset()
            case "slow":
                sim.closing.wait(fault.seconds)
                self._send(answer(sim, route, request))
            case _:
                self._send(reply or answer(sim, route, request))

    def _reset(self) -> None:
        """Linger 0 makes the kernel send RST instead of FIN, once the last file on the socket is closed."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for end in (self.rfile, self.wfile, self.connection):
            end.close()

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(reply.body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Silent: the truth and the callbacks are the log."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    sim: Simulation

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""


def _bound(sim: Simulation, port: int) -> tuple[_Server, names.Names]:
    """The same port for HTTP and for names. One that is free for TCP may be taken for UDP: then another is tried."""
    tries = PORTS_TRIED if port == 0 else 1
    while True:
        server = _Server(("127.0.0.1", port), _Handler)
        try:
            return server, names.Names(sim, server.server_address[1])
        except OSError:
            server.server_close()
            tries -= 1
            if not tries:
                raise


class Simulators:
    """A running server: `with Simulators(data) as running: running.url`. Port 0 takes a free one."""

    def __init__(self, data: Path, config: Config | None = None, port: int = 0) -> None:
        self.sim = Simulation(data, config)
        self._server, self._names = _bound(self.sim, port)
        self._server.sim = self.sim
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="simulators")

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> Simulators:
        """Serve in a thread."""
        self._thread.start()
        self._names.start()
        return self

    def close(self) -> None:
        """Stop serving and free port, threads and files."""
        self.sim.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
        self._names.close()
        self.sim.close()

    def __enter__(self) -> Simulators:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
