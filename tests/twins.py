"""A second tenant that owns the very same things: ids, addresses, external ids, codes, slugs, names.

What acme has made is copied row by row to globex, with nothing changed but the tenant. `beside` then lets acme act
while its twin stands by, and holds that nothing of the twin's changes. `move` takes the things away from acme, so that
only the twin has them, and acme asks with ids that are somebody else's.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from drumbeat import access, limits
from drumbeat.accounts import settings
from drumbeat.contacts import suppressions
from drumbeat.segments import definitions

from tests import harness, rewind, tenancy
from tests.harness import Reply
from tests.rewind import Rows
from tests.world import BUCKET, client

OURS, THEIRS = "ten_acme", "ten_globex"
# Text by which somebody's data would be known: prefixed ids and e-mail addresses.
MARK = re.compile(r"\b[a-z]{2,4}_[0-9A-HJKMNP-TV-Z]{26}\b|[\w.+-]+@[\w.-]+\.\w+")


def theirs(ours: Rows) -> Rows:
    """The same items as the twin would have them."""
    return {(pk.replace(OURS, THEIRS), sk.replace(OURS, THEIRS)): _renamed(item) for (pk, sk), item in ours.items()}


def _renamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {_renamed(name): _renamed(held) for name, held in value.items()}
    if isinstance(value, list):
        return [_renamed(held) for held in value]
    return value.replace(OURS, THEIRS) if isinstance(value, str) else value


def of(tenant: str) -> Rows:
    """What belongs to a tenant: by its key, or (rows that are everyone's) by what it says. That requests were counted
    is nobody's thing."""
    return _of(tenant, rewind.rows(but="RATE"))


def _of(tenant: str, there: Rows) -> Rows:
    return {
        key: item for key, item in there.items() if f"#{tenant}" in key[0] or item.get("tenant", {}).get("S") == tenant
    }


def made_by(ours: Rows) -> Rows:
    """What was made since the deployment."""
    begun = rewind.rows_as_made()
    return {key: item for key, item in ours.items() if begun.get(key) != item}


@contextmanager
def beside(asked: Mapping[str, Any]) -> Iterator[None]:
    """While acme asks, the twin owns all that acme owns, except what only one can own; it keeps all of it."""
    if asked.get("tenant", "acme") != "acme":
        yield
        return
    there, everyones = rewind.rows(but="RATE"), tenancy.everyones()
    copied = {
        key: item
        for key, item in theirs(made_by(_of(OURS, there))).items()
        if key not in there and key[0].split("#")[0] not in everyones
    }
    rewind.put_rows(copied)
    held = _of(THEIRS, there) | copied
    with tenancy.assumed(OURS):
        yield
    _unchanged(held, "beside its twin")
    rewind.drop_rows(copied)


def move(held: Rows) -> None:
    """Give `held` (what there was at some moment) to the twin. Acme is left with nothing, as it began."""
    rewind.table_as_made()
    rewind.put_rows(theirs(made_by(held)))
    _move_files()
    forget()


def _move_files() -> None:
    for key in list(rewind.backend("s3").buckets[BUCKET].keys):
        if f"/{OURS}/" in key:
            other = key.replace(OURS, THEIRS)
            client("s3").copy_object(Bucket=BUCKET, Key=other, CopySource={"Bucket": BUCKET, "Key": key})
            client("s3").delete_object(Bucket=BUCKET, Key=key)


def forget() -> None:
    """A new instance: nothing kept from before."""
    for module in (access, limits, settings, definitions, suppressions):
        module.forget()


def hold(reply: Reply, asked: Mapping[str, Any], before: Rows, where: str) -> None:
    """What must be true of an answer to acme when all that the request is about is the twin's."""
    _unchanged(before, where)
    assert reply.status < 500, f"{where}: {reply.text}"
    marks = _marks(before)
    known = _marks(asked)
    found = _marks(reply.text) & (marks - known)
    assert not found, f"{where}: the answer to acme has of globex: {found}"
    used = {mark for mark in known & marks if "@" not in mark}
    assert reply.status >= 400 or not used, f"{where}: {reply.status} for {used}, which are globex's"


def _unchanged(before: Rows, where: str) -> None:
    after = of(THEIRS)
    changed = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    assert not changed, f"{where}: acme asked, and this of globex changed: {changed}"


def _marks(held: Any) -> set[str]:
    return set(MARK.findall(str(held)))


CREDENTIALS = frozenset({"x-api-key", "authorization"})


def can_ask(case: Mapping[str, Any], function: str) -> bool:
    """Whether an example can ask for the twin's things: it does something, and by a credential of acme's."""
    request = case.get("request")
    if request is None or case["response"]["status"] >= 400 or harness.function(function).declaration.scope is None:
        return False
    return bool(request.get("tenant", "acme") != "globex")


def by_the_administrator(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The same request with the key of acme's administrator: one that the example made is the twin's by now."""
    headers = {name: value for name, value in asked.get("headers", {}).items() if name.lower() not in CREDENTIALS}
    return {**asked, "headers": headers, "tenant": "acme"}
