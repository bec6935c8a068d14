"""DMARC policies (RFC 7489): how a record reads, and which one is in force for a domain. Pure but for `look`."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

POLICIES = ("none", "quarantine", "reject")
_URI = re.compile(r"mailto:[^@\s,!]+@([^@\s,!]+)(?:![0-9]+[kmgt]?)?", re.IGNORECASE)
Look = Callable[[str], Sequence[str]]


class Policy(NamedTuple):
    """A record in force: where it was found, what it asks of receivers (`sp` where it was found above the domain), how
    strictly domains are compared, and where reports go."""

    at: str
    record: str
    policy: str
    strict_dkim: bool
    strict_spf: bool
    percent: int
    reports_to: tuple[str, ...]
    inherited: bool


class Several(ValueError):
    """More than one record: receivers then act as if there were none (RFC 7489, 6.6.3). The argument is where."""


def tags(text: str) -> dict[str, str] | None:
    """The tags of a record; None for a text that is no DMARC record: it must begin with its version."""
    parts = [part.partition("=") for part in text.split(";")]
    pairs = [(name.strip().lower(), value.strip()) for name, sign, value in parts if sign]
    if not pairs or pairs[0] != ("v", "DMARC1"):
        return None
    return dict(reversed(pairs))  # of a tag that comes twice the first counts


def parsed(at: str, text: str, *, inherited: bool) -> Policy | None:
    """The policy of a record; None for one that asks for nothing: without a valid `p` it counts only if it has a valid
    address for reports, as `p=none` (RFC 7489, 6.6.3)."""
    found = tags(text)
    if found is None:
        return None
    reports = tuple(match[0] for match in _URI.finditer(found.get("rua", "")))
    own = found.get("p", "").lower()
    if own not in POLICIES:
        if not reports:
            return None
        own = "none"
    below = found.get("sp", "").lower()
    policy = below if inherited and below in POLICIES else own
    percent = found.get("pct", "100")
    return Policy(
        at, text, policy, found.get("adkim", "r").lower() == "s", found.get("aspf", "r").lower() == "s",
        int(percent) if percent.isascii() and percent.isdigit() and int(percent) <= 100 else 100, reports, inherited,
    )  # fmt: skip


def in_force(domain: str, look: Look) -> Policy | None:
    """The policy for mail from a domain: its own, else that of the nearest domain above. Raises Several.

    RFC 7489 goes straight to the organizational domain, by a list of public suffixes; the walk up the tree, as its
    successor has it, finds the same record without one.
    """
    labels = domain.split(".")
    for start in range(max(1, len(labels) - 1)):
        at = f"_dmarc.{'.'.join(labels[start:])}"
        records = [text for text in look(at) if tags(text) is not None]
        if len(records) > 1:
            raise Several(at)
        found = parsed(at, records[0], inherited=start > 0) if records else None
        if found is not None:
            return found
    return None


def reporting_domains(policy: Policy) -> list[str]:
    """The domains of the addresses that reports go to."""
    return [match[1].lower() for uri in policy.reports_to if (match := _URI.fullmatch(uri))]
