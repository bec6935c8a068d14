"""Certificates that providers sign with, fetched once and kept.

pk          sk
CERT#<url>  CERT     GLOBAL: a callback is verified before its tenant is known
"""

import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from drumbeat import clock
from drumbeat.errors import Forbidden, Unavailable
from drumbeat.feedback.known import Kept
from drumbeat.logs import logger
from drumbeat.table import Entity, InstantAttribute, UnicodeAttribute

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

MOST_BYTES = 16_384
TIMEOUT = 4
Fetch = Callable[[str], bytes]


class SigningCertificate(Entity):
    """A certificate as PEM, by the address that it came from."""

    TYPE = "CERT"
    GLOBAL = True

    pem = UnicodeAttribute()
    fetched_at = InstantAttribute()

    @staticmethod
    def key(url: str) -> tuple[str, str]:
        return f"CERT#{url}", "CERT"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer that we do not want: its target was not checked."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


_read: "Kept[str, Certificate]" = Kept(20)


def of(url: str, now: datetime, fetch: Fetch) -> "Certificate":
    """The certificate at an address that was checked (`signatures.is_sns_certificate`), valid at `now` (wall time).

    Raises Forbidden for one that is not valid or is none, Unavailable when it cannot be fetched at present.
    """
    kept = _read.get(url)
    if kept is not None and _is_valid(kept, now):
        return kept
    row = SigningCertificate.fetch(*SigningCertificate.key(url), consistent=False)
    found = _parsed(row.pem.encode()) if row else None
    if found is None or not _is_valid(found, now):
        pem = fetch(url)
        found = _parsed(pem)
        if found is None or not _is_valid(found, now):
            raise Forbidden("The certificate of this signature is not valid.")
        SigningCertificate(*SigningCertificate.key(url), pem=pem.decode("ascii"), fetched_at=now).save(
            add_version_condition=False
        )
    _read.put(url, found)
    return found


def _parsed(pem: bytes) -> "Certificate | None":
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        return None


def _is_valid(certificate: "Certificate", now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def download(url: str, *handlers: urllib.request.BaseHandler) -> bytes:
    """At most 16 KB over https, without redirects or proxies. `handlers` take the network's place.

    Raises Forbidden when there is no such certificate, Unavailable when the host does not answer.
    """
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}), *handlers)
    try:
        with opener.open(url, timeout=TIMEOUT) as answer:
            found: bytes = answer.read(MOST_BYTES + 1)
    except urllib.error.HTTPError as error:
        if error.code >= 500 or error.code == 429:
            raise _later(url) from error
        raise Forbidden("There is no certificate for this signature.") from error
    except OSError as error:
        raise _later(url) from error
    if len(found) > MOST_BYTES:
        raise Forbidden("The certificate of this signature is too long to be one.")
    return found


def _later(url: str) -> Unavailable:
    logger.warning("signing certificate not fetched", extra={"url": url})
    return Unavailable("The certificate of this signature cannot be fetched at present; send the message again.")


def current(url: str) -> "Certificate":
    """The certificate at a checked address, valid now."""
    return of(url, clock.wall(), download)


def forget() -> None:
    _read.clear()
