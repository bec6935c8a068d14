"""SPF records (RFC 7208): which one counts, what it allows, and how many lookups it costs. Pure but for `look`."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

# RFC 7208, 4.6.4: a record that makes a receiver look up more than ten names is an error, and counts as none.
MOST_LOOKUPS = 10
_COSTS = re.compile(r"[+?~-]?(include:|a(?=[:/]|$)|mx(?=[:/]|$)|ptr(?=:|$)|exists:)|redirect=", re.IGNORECASE)
_FOLLOWED = re.compile(r"(?:[+?~-]?include:|redirect=)([^\s/%]+)$", re.IGNORECASE)
Look = Callable[[str], Sequence[str]]


class Verdict(NamedTuple):
    """The record that counts (None: there is none), how many lookups it takes, and what is wrong with it."""

    record: str | None
    lookups: int = 0
    problem: str | None = None


def is_spf(text: str) -> bool:
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


def judged(texts: Sequence[str], look: Look) -> Verdict:
    """What the TXT records of a name come to. `look` gives the TXT records of another name."""
    found = [text for text in texts if is_spf(text)]
    if not found:
        return Verdict(None)
    if len(found) > 1:
        return Verdict(
            found[0], 0, "there are several SPF records, which counts as an error (RFC 7208, 4.5): join them"
        )
    lookups = cost(found[0], look, set())
    if lookups > MOST_LOOKUPS:
        return Verdict(found[0], lookups, "it takes more than ten DNS lookups (RFC 7208, 4.6.4): drop what is not used")
    return Verdict(found[0], lookups)


def cost(record: str, look: Look, seen: set[str]) -> int:
    """How many lookups a record takes with all that it includes; stops counting above ten."""
    total = 0
    for term in record.split()[1:]:
        if not _COSTS.match(term):
            continue
        total += 1
        followed = _FOLLOWED.match(term)
        name = followed[1].lower().rstrip(".") if followed else ""
        if name and name not in seen and total <= MOST_LOOKUPS:
            seen.add(name)
            inner = next((text for text in look(name) if is_spf(text)), "v=spf1")
            total += cost(inner, look, seen)
        if total > MOST_LOOKUPS:
            break
    return total


def allows(record: str, name: str) -> bool:
    """Whether a record names another one's senders as its own."""
    wanted = {f"include:{name}", f"+include:{name}", f"redirect={name}"}
    return any(term.lower().rstrip(".") in wanted for term in record.split()[1:])
