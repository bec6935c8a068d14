"""Looking names up in the DNS: the one place that does. `DNS_SERVER` (`address:port`) names another server than the
machine's own, for the local stack and tests."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import dns.resolver

SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Found:
    """The values of a name's records of one type; none when there are none. `failed` says why nobody could tell."""

    values: tuple[str, ...] = ()
    failed: str | None = None


def records(name: str, kind: str, seconds: float = SECONDS) -> Found:
    """The records of a type (`TXT`, `MX`, `CNAME`, `A`). TXT strings are joined (RFC 7208, 3.3), names have no dot at
    the end and are in lower case."""
    import dns.exception
    import dns.resolver

    try:
        answer = _resolver().resolve(name, kind, lifetime=seconds, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return Found()
    except (dns.exception.DNSException, OSError, UnicodeError) as error:
        return Found(failed=type(error).__name__)
    return Found(tuple(_text(record, kind) for record in answer))


def texts(name: str) -> Found:
    return records(name, "TXT")


def _resolver() -> "dns.resolver.Resolver":
    import dns.resolver

    server = os.environ.get("DNS_SERVER")
    if not server:
        return dns.resolver.Resolver()
    address, _, port = server.partition(":")
    found = dns.resolver.Resolver(configure=False)
    found.nameservers, found.port = [address], int(port)
    return found


def _text(record: Any, kind: str) -> str:
    if kind == "TXT":
        return b"".join(record.strings).decode("utf-8", "replace")
    return str(record.to_text()).lower().rstrip(".")
