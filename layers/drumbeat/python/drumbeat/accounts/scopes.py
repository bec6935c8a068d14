"""What scopes mean: `thing:act`, with `*` for either, and `*` alone for everything. Pure."""

from collections.abc import Iterable

THINGS = (
    "accounts", "activity", "analytics", "campaigns", "contacts", "events", "exports", "feedback", "files", "imports",
    "journeys", "leads", "loyalty", "partners", "privacy", "products", "promotions", "providers", "referrals",
    "segments", "senders", "sends", "suppressions", "templates", "webhooks",
)  # fmt: skip
ACTS = ("read", "write", "send")


def known(scope: str) -> bool:
    """Whether this is a scope that some function could ask for."""
    thing, _, act = scope.partition(":")
    return scope == "*" or (thing in (*THINGS, "*") and act in (*ACTS, "*") and scope != "*:*")


def missing(held: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """The wanted scopes that someone who holds these does not have."""
    own = frozenset(held)
    return sorted(scope for scope in wanted if not _covered(own, scope))


def _covered(own: frozenset[str], scope: str) -> bool:
    if "*" in own or scope in own:
        return True
    thing, _, act = scope.partition(":")
    return scope != "*" and bool(own & {f"{thing}:*", f"*:{act}"})
