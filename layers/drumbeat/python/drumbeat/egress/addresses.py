"""Which addresses that a tenant names may be asked: URLs as they are written, and what their names lead to. Pure."""

import ipaddress
import json
import os
import re
from urllib.parse import SplitResult, urlsplit

PORTS = (443, 8443)
MOST_LETTERS = 2_000

# Names of places that are not of the internet (RFC 6761, RFC 6762, RFC 8375, RFC 9476, ICANN on .internal).
_PRIVATE_NAMES = ("localhost", "localdomain", "local", "internal", "home.arpa", "alt", "onion", "test", "invalid")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)\Z")
# A host whose last part is a number is an IPv4 address to many a parser: 127.1, 0x7f.1, 2130706433 (WHATWG URL, 3.5).
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\Z")
# What is in a URL as it is sent: printable ASCII, and of that no backslash, which some parsers take for a slash.
_WRITTEN = re.compile(r"[!-\[\]-~]+\Z")

# `ipaddress.is_global` has changed between versions of Python and takes multicast and translated addresses for global.
_NOT_GLOBAL_V4 = tuple(map(ipaddress.IPv4Network, (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4",
)))  # fmt: skip
# Of IPv6 only what IANA gives out as unicast, without tunnels (2001::/23 has Teredo, 2002::/16 is 6to4) and examples.
# So mapped addresses (::ffff:0:0/96) and translated ones (64:ff9b::/96) are not in it either.
_UNICAST_V6 = ipaddress.IPv6Network("2000::/3")
_NOT_GLOBAL_V6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))


class Denied(ValueError):
    """No request goes there; the text says why, and what to do. A ValueError, so that it may check a field."""


def allowed(url: str) -> str:
    """The URL as it will be asked for, its name in ASCII. Raises Denied. The DNS is not asked: `request` does that."""
    parts = parsed(url)
    if is_local(parts):
        return parts.geturl()
    if parts.scheme != "https":
        raise Denied("must begin with https://")
    if "@" in parts.netloc:
        raise Denied("must not have a user or a password; put secrets into the account's credentials")
    if parts.fragment:
        raise Denied("must not have a fragment (#…)")
    host, port = _name(parts), _port(parts)
    if port not in PORTS:
        raise Denied("must be on port 443 or 8443")
    asked = parts._replace(netloc=host if port == PORTS[0] else f"{host}:{port}", path=parts.path or "/").geturl()
    if not _WRITTEN.match(asked):
        raise Denied("must have other letters than ASCII percent-encoded, and no spaces")
    return asked


def parsed(url: str) -> SplitResult:
    if len(url) > MOST_LETTERS:
        raise Denied(f"must have at most {MOST_LETTERS} letters")
    if any(letter <= " " or letter in "\\\x7f" for letter in url):
        raise Denied("must not have spaces, backslashes or control characters")  # urlsplit drops some of them
    try:
        return urlsplit(url)
    except ValueError:
        raise Denied("must be a URL, such as https://hooks.example.com/messages") from None


def is_local(parts: SplitResult) -> bool:
    """Whether it is a server beside us, which only the local stack may ask."""
    local = os.environ.get("EGRESS_LOCAL", "")
    return parts.scheme == "http" and bool(parts.netloc) and parts.netloc in local.split(",")


def _port(parts: SplitResult) -> int:
    try:
        return PORTS[0] if parts.port is None else parts.port
    except ValueError:
        raise Denied("must be on port 443 or 8443") from None


def _name(parts: SplitResult) -> str:
    """The host in ASCII (IDNA 2008 with the mapping of UTS 46). Raises Denied for one that is no public name."""
    host = parts.hostname or ""
    if not host.isascii():
        import idna

        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except idna.IDNAError:
            raise Denied("has a host that is no valid name") from None
    host = host.lower().removesuffix(".")
    labels = host.split(".")
    if ":" in host or "[" in parts.netloc or _NUMBER.match(labels[-1]):
        raise Denied("must name a host, not an IP address")
    if len(host) > 253 or len(labels) < 2 or not all(map(_LABEL.match, labels)):
        raise Denied("has a host that is no valid public name")
    if _is_under(host, _PRIVATE_NAMES):
        raise Denied("must name a host of the internet")
    if _is_under(host, _own_names()):
        raise Denied("must not lead back to this service")
    return host


def _is_under(host: str, names: tuple[str, ...]) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in names)


def _own_names() -> tuple[str, ...]:
    """Where this deployment answers. Whose a function URL is nobody can tell: all of the region count as ours."""
    own = [urlsplit(os.environ.get("PUBLIC_URL", "")).hostname]
    own += json.loads(os.environ.get("TRACKING_DOMAINS") or "{}")
    own.append(f"lambda-url.{os.environ.get('AWS_REGION', '')}.on.aws")
    return tuple(name.lower() for name in own if name)


def is_global(address: str) -> bool:
    """Whether an IP address is one of the internet."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False  # also one with a zone (fe80::1%eth0)
    if isinstance(found, ipaddress.IPv4Address):
        return not any(found in network for network in _NOT_GLOBAL_V4)
    if found.scope_id is not None:
        return False
    return found in _UNICAST_V6 and not any(found in network for network in _NOT_GLOBAL_V6)
