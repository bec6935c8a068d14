"""What the simulators' tests share: clients, a bulk call, a server that receives callbacks."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config as BotoConfig

from infra.local.simulators.server import Simulators


def client(running: Simulators, read_timeout: float = 10.0) -> Any:
    """A real SES client without retries."""
    options = BotoConfig(retries={"total_max_attempts": 1}, read_timeout=read_timeout)
    return boto3.client("sesv2", endpoint_url=running.url, region_name="us-east-1", config=options)


def template(
    html: str = "<p>Hi {{name}}</p>", subject: str = "For {{name}}", text: str = "Hi {{name}}"
) -> dict[str, Any]:
    return {"Template": {"TemplateContent": {"Subject": subject, "Html": html, "Text": text}, "TemplateData": "{}"}}


def entry(address: str, data: Any = None, send: str = "snd_1", **more: Any) -> dict[str, Any]:
    values = json.dumps({"name": "Ada"} if data is None else data) if not isinstance(data, str) else data
    return {
        "Destination": {"ToAddresses": [address]},
        "ReplacementTags": [{"Name": "send", "Value": send}],
        "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": values}},
    } | more


def bulk(ses: Any, *entries: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    asked = {"FromEmailAddress": "News <news@example.com>", "DefaultContent": template()} | more
    results: list[dict[str, Any]] = ses.send_bulk_email(BulkEmailEntries=list(entries), **asked)[
        "BulkEmailEntryResults"
    ]
    return results


def ask(running: Simulators, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
    """Status and body (parsed when it is JSON)."""
    parts = urlsplit(running.url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        data = body if isinstance(body, str | bytes) or body is None else json.dumps(body)
        connection.request(method, path, data, headers or {})
        response = connection.getresponse()
        text = response.read().decode()
        is_json = response.headers.get("Content-Type") == "application/json" and text
        return response.status, json.loads(text) if is_json else text
    finally:
        connection.close()


def eventually(check: Callable[[], Any], seconds: float = 10.0) -> Any:
    """The first true value of `check`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := check():
            return value
        time.sleep(0.01)
    raise AssertionError("did not happen in time")


@dataclass
class Received:
    """A request that the sink got."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


class Sink:
    """Receives callbacks and visits; `statuses` are the next answers, then `status`."""

    def __init__(self, status: int = 200) -> None:
        self.received: list[Received] = []
        self.statuses: list[int] = []
        self.status = status
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                sink.received.append(Received(self.command, self.path, headers, body))
                status = sink.statuses.pop(0) if sink.statuses else sink.status
                if self.command == "GET" and self.path.startswith("/c/"):
                    status = 302
                self.send_response(status)
                self.send_header("Content-Length", "0")
                if status == 302:
                    self.send_header("Location", "https://shop.example/")
                self.end_headers()

            do_GET = do_POST = _any  # noqa: N815 - the base class finds them by these names

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
