"""Requests to addresses that tenants name go to the internet and nowhere else."""

import datetime
import re
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from drumbeat import egress
from drumbeat.egress import Unanswered, Unreached
from drumbeat.egress.addresses import Denied

from tests.internet import SOMEWHERE, Asked, Broken, answer, internet

# URLs that are refused as they are written, whatever the DNS says.
WRITTEN = (
    # other schemes than https
    "http://hooks.example.com/", "ftp://hooks.example.com/", "file:///etc/passwd", "gopher://hooks.example.com/_x",
    "data:text/plain,x", "//hooks.example.com/", "hooks.example.com", "", "https:", "https://", "https:///x",
    "https:hooks.example.com", "jar:https://hooks.example.com!/", "https+x://hooks.example.com/",
    # addresses, in all ways that some parser takes for one
    "https://127.0.0.1/", "https://127.1/", "https://0/", "https://0.0.0.0/", "https://2130706433/",
    "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://017700000001/", "https://0x/",
    "https://127.0.0.1./", "https://10.0.0.1/", "https://169.254.169.254/latest/meta-data/", "https://8.8.8.8/",
    "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/",
    "https://[64:ff9b::7f00:1]/", "https://[fd00:ec2::254]/", "https://[fe80::1%25eth0]/", "https://[2001:4860::8888]/",
    "https://[v1.x]/", "https://[::1", "https://１２７.0.0.1/", "https://①②⑦.0.0.1/", "https://127。0。0。1/",
    # names of no public place
    "https://localhost/", "https://LOCALHOST/", "https://localhost./", "https://ⓛocalhost/", "https://a.localhost/",
    "https://db/", "https://printer.local/", "https://metadata.google.internal/", "https://ip-10-0-0-1.ec2.internal/",
    "https://router.home.arpa/", "https://x.test/", "https://a..example.com/", "https://.example.com/",
    "https://-a.example.com/", "https://a_b.example.com/", f"https://{'a' * 64}.example.com/",
    f"https://{'a.' * 130}example.com/", "https://a%2eexample.com/", "https://ex%61mple.com/", "https://a\u200d.example/",
    # users, other ports, fragments
    "https://user@hooks.example.com/", "https://user:pass@hooks.example.com/", "https://hooks.example.com@127.0.0.1/",
    "https://127.0.0.1@hooks.example.com/", "https://:@hooks.example.com/", "https://hooks.example.com:22/",
    "https://hooks.example.com:80/", "https://hooks.example.com:9001/", "https://hooks.example.com:0/",
    "https://hooks.example.com:65536/", "https://hooks.example.com:x/", "https://hooks.example.com:-443/",
    "https://hooks.example.com/#@127.0.0.1/",
    # letters that parsers disagree about
    "https://hooks.example.com\\@127.0.0.1/", "https://127.0.0.1\\.hooks.example.com/", "https://hooks.example.com /",
    " https://hooks.example.com/", "https://hooks.example.com/\r\nX: y", "https://hooks.exam\tple.com/",
    "https://hooks.example.com/\x00", "https://hooks.example.com/ä", f"https://hooks.example.com/{'x' * 2_000}",
    # ourselves
    "https://track.example/v1/contacts", "https://TRACK.example./", "https://a.track.example/",
    "https://links.acme.example/", "https://abcdef.lambda-url.us-east-1.on.aws/",
)  # fmt: skip

# Addresses that a name must not lead to.
INSIDE = (
    "0.0.0.0",  # noqa: S104 - nobody binds to it
    "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
    "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.9", "192.0.2.1", "192.88.99.1",
    "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255",
    "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1",
    "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::",
    "2002:808:808::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "2001:4860::1%1",
    "fec0::1", "ff02::1", "nonsense", "",
)  # fmt: skip


@pytest.fixture(autouse=True)
def own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKING_DOMAINS", '{"links.acme.example": "d.execute-api.us-east-1.amazonaws.com"}')


@pytest.mark.parametrize("url", WRITTEN)
def test_what_is_written_like_that_is_refused_before_anybody_is_asked(url: str) -> None:
    with internet() as outside, pytest.raises(Denied):
        egress.request("GET", url, {})

    assert not outside.looked_up and not outside.connections


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_refused_also_beside_good_addresses(address: str) -> None:
    for told in ([address], [SOMEWHERE, address], [address, SOMEWHERE]):
        with internet(names={"hooks.example.com": [told]}) as outside, pytest.raises(Denied):
            egress.request("GET", "https://hooks.example.com/", {})
        assert not outside.connections


@pytest.mark.parametrize(
    ("url", "host", "target"),
    [
        ("https://hooks.example.com", "hooks.example.com", "/"),
        ("https://Hooks.Example.COM./a?b=c", "hooks.example.com", "/a?b=c"),
        ("https://hooks.example.com:8443/x%20y", "hooks.example.com:8443", "/x%20y"),
        ("https://hooks.example.com:443/?", "hooks.example.com", "/"),
        ("https://মেঘ.বাংলা/", "xn--s5b7b1d.xn--54b7fta0cc", "/"),
        ("https://bücher.example/", "xn--bcher-kva.example", "/"),
        ("https://1.example.com/", "1.example.com", "/"),
        ("https://abc.lambda-url.eu-west-1.on.aws/", "abc.lambda-url.eu-west-1.on.aws", "/"),
    ],
)
def test_a_public_name_is_asked_by_its_name_at_its_checked_address(url: str, host: str, target: str) -> None:
    with internet() as outside:
        answered = egress.request("POST", url, {"x-a": "b"}, b"{}")

    (asked,) = outside.asked
    assert answered.status == 200
    name, _, port = host.partition(":")
    assert (asked.address, asked.port, asked.name) == (SOMEWHERE, int(port or 443), name)
    assert (asked.headers["host"], asked.target, asked.headers["x-a"], asked.body) == (host, target, "b", b"{}")


def test_a_name_is_looked_up_once_so_that_it_cannot_be_another_address_when_it_is_called() -> None:
    with internet(names={"hooks.example.com": [[SOMEWHERE], ["127.0.0.1"]]}) as outside:
        egress.request("GET", "https://hooks.example.com/", {})

    assert outside.looked_up == ["hooks.example.com"]
    assert outside.connections == [(SOMEWHERE, 443, "hooks.example.com")]


def test_a_redirect_is_an_answer_that_nobody_follows() -> None:
    with internet(lambda asked: answer(302, location="https://127.0.0.1:9001/")) as outside:
        answered = egress.request("GET", "https://hooks.example.com/", {})

    assert (answered.status, len(outside.connections)) == (302, 1)


def test_the_second_address_is_tried_and_no_further_one() -> None:
    told = [f"93.184.216.{number}" for number in range(5)]
    with internet(names={"hooks.example.com": [told]}) as outside:
        outside.down = {told[0]}
        assert egress.request("GET", "https://hooks.example.com/", {}).status == 200
        outside.down = set(told)
        with pytest.raises(Unreached, match="ConnectionRefusedError"):
            egress.request("GET", "https://hooks.example.com/", {})

    assert [address for address, _, _ in outside.connections] == [told[0], told[1], told[0], told[1]]


def test_a_name_without_addresses_was_not_reached() -> None:
    with internet(names={"hooks.example.com": [[]]}), pytest.raises(Unreached):
        egress.request("GET", "https://hooks.example.com/", {})


def broken(asked: Asked) -> bytes:
    raise Broken


@pytest.mark.parametrize("server", [broken, lambda asked: b"", lambda asked: b"nonsense\r\n\r\n"])
def test_whoever_does_not_answer_may_have_the_request(server: Any) -> None:
    with internet(server), pytest.raises(Unanswered):
        egress.request("POST", "https://hooks.example.com/", {}, b"{}")


@pytest.mark.parametrize(
    ("told", "whole", "length"),
    [
        (answer(200, b"x" * egress.MOST_BYTES), True, egress.MOST_BYTES),
        (answer(200, b"x" * (egress.MOST_BYTES + 1)), False, egress.MOST_BYTES),
        (answer(200, b"x" * 10**7), False, egress.MOST_BYTES),
        (answer(200, b"abc", content_length="10"), False, 3),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", True, 3),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", False, 3),
        (b"HTTP/1.1 200 OK\r\n\r\nabc", True, 3),
    ],
)  # fmt: skip
def test_at_most_64_kb_are_read(told: bytes, whole: bool, length: int) -> None:
    with internet(lambda asked: told):
        answered = egress.request("GET", "https://hooks.example.com/", {})

    assert (answered.status, answered.whole, len(answered.body)) == (200, whole, length)


def test_headers_without_an_end_come_to_one() -> None:
    with internet(lambda asked: b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 10**6), pytest.raises(Unanswered):
        egress.request("GET", "https://hooks.example.com/", {})


class Slow:
    """Gives a byte every few milliseconds, for ever."""

    def addresses(self, host: str) -> list[str]:
        return [SOMEWHERE]

    def connected(self, *_: Any) -> "Slow":
        return self

    def settimeout(self, seconds: float) -> None:
        pass

    def sendall(self, data: Any) -> None:
        pass

    def recv_into(self, buffer: memoryview) -> int:
        time.sleep(0.002)
        buffer[:1] = b"x"
        return 1

    def close(self) -> None:
        pass


def test_a_byte_now_and_then_does_not_hold_us_longer() -> None:
    began = time.monotonic()
    with egress.through(Slow()), pytest.raises(Unanswered):
        egress.request("GET", "https://hooks.example.com/", {}, seconds=0.03)

    assert time.monotonic() - began < 1


def test_only_the_local_stack_reaches_what_is_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with internet() as outside:
        with pytest.raises(Denied):
            egress.request("GET", "http://127.0.0.1:8701/x", {})
        monkeypatch.setenv("EGRESS_LOCAL", "127.0.0.1:8701")
        assert egress.request("GET", "http://127.0.0.1:8701/x", {}).status == 200
        for other in (
            "http://127.0.0.1:8702/",
            "http://127.0.0.1/",
            "https://127.0.0.1:8701/",
            "http://localhost:8701/",
        ):
            with pytest.raises(Denied):
                egress.request("GET", other, {})

    assert outside.connections == [("127.0.0.1", 8701, None)]
    assert not outside.looked_up


def test_nothing_else_asks_for_addresses_of_tenants() -> None:
    """Modules of the layer that could make a request by other means, and why each does not ask where a tenant says."""
    means = re.compile(r"\b(urllib\.request|http\.client|socket|httpx|requests|aiohttp)\b(?=[\s.;,]|$)")
    imports = re.compile(r"^\s*(?:import|from)\s+(\S+)", re.MULTILINE)
    layer = Path(egress.__file__).parent.parent
    found = {
        str(file.relative_to(layer))
        for file in layer.rglob("*.py")
        if any(means.match(name) for name in imports.findall(file.read_text()))
    }

    assert found <= {
        "egress/__init__.py",  # the guard
        "feedback/certificates.py",  # addresses that match Amazon's pattern
        "channels/email/sendgrid_api.py",  # SendGrid's
        "channels/sms/twilio.py",  # Twilio's
        "channels/sms/twilio_api.py",
    }


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, list[str | None]]]:
    """The port of a TLS server for `hooks.example.com`, whose certificate is trusted; names it was asked for."""
    import socket

    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hooks.example.com")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(named, named, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example.com")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    names: list[str | None] = []
    context.sni_callback = lambda _, name, __: names.append(name)
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_greet, args=(server, context), daemon=True).start()
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        egress.trust.cache_clear()
        yield server.getsockname()[1], names
    egress.trust.cache_clear()


def _greet(server: Any, context: ssl.SSLContext) -> None:
    """Shake hands with whoever comes, until the server is closed."""
    while True:
        try:
            plain, _ = server.accept()
        except OSError:
            return
        try:
            context.wrap_socket(plain, server_side=True).close()
        except OSError:
            plain.close()


@pytest.mark.enable_socket
def test_tls_is_for_the_name_and_its_certificate_must_be_good(secure: tuple[int, list[str | None]]) -> None:
    port, names = secure
    outside = egress.Internet()

    outside.connected("127.0.0.1", port, "hooks.example.com", 3).close()
    with pytest.raises(ssl.SSLCertVerificationError):
        outside.connected("127.0.0.1", port, "other.example.com", 3)

    assert names == ["hooks.example.com", "other.example.com"]
