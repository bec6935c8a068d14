"""What the table's stream says about contacts, turned into as few evaluations as it needs.

Most events are counted by day, and the record of the count tells of them. Of messages only opens and clicks are
counted; what else of them a segment looks at (that one was sent, say) is a row of the timeline that is marked as
`asked`. A record only tells that something happened to a contact: what holds is read from the table. So records may be
late, come twice or in another order than they were made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from drumbeat import clock
from drumbeat.errors import NotFound
from drumbeat.logs import logger
from drumbeat.segments import definitions, membership


class Record(Protocol):
    """What this needs of a `drumbeat.stream.Record`: that an item was inserted, modified or removed, and its image."""

    @property
    def name(self) -> str: ...

    @property
    def pk(self) -> str: ...

    @property
    def sk(self) -> str: ...

    @property
    def new(self) -> Mapping[str, Any]: ...


@dataclass(slots=True)
class _Changed:
    """A tenant's contacts by why they are looked at. `first` is the position of its first record in the batch."""

    first: int
    contacts: dict[str, None] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)
    events: dict[str, set[str]] = field(default_factory=dict)


def evaluate(records: Sequence[Record]) -> int | None:
    """Bring membership up to date; gives the position of the first record that failed, if one did.

    One tenant's fault does not keep the others waiting. Reads and writes as `membership.refresh`.
    """
    failed: list[int] = []
    for tenant, changed in _by_tenant(records).items():
        try:
            _evaluate(tenant, changed)
        except NotFound:
            logger.info("records of a tenant that is gone", extra={"tenant": tenant})
        except Exception:  # noqa: BLE001  # whatever it is: reported, logged, and read again
            logger.exception("evaluation failed", extra={"tenant": tenant})
            failed.append(changed.first)
    return min(failed, default=None)


def _by_tenant(records: Sequence[Record]) -> dict[str, _Changed]:
    found: dict[str, _Changed] = {}
    for position, record in enumerate(records):
        kind, tenant, contact_id = record.pk.split("#", 2)
        changed = found.setdefault(tenant, _Changed(position))
        if kind == "CONTACT":
            changed.contacts[contact_id] = None
            if record.name == "INSERT":
                changed.created.add(contact_id)
        else:
            name = record.new["name"]["S"] if kind == "TIMELINE" else record.sk.rsplit("#", 1)[0]
            changed.events.setdefault(name, set()).add(contact_id)
    return found


def _evaluate(tenant: str, changed: _Changed) -> None:
    """Contacts that changed against all segments; those whose events were counted against the segments that look at
    such events, so that a campaign's thousands of opens cost nothing where no segment asks for opens."""
    now = clock.business()
    if changed.contacts:
        counted = {contact_id for contacts in changed.events.values() for contact_id in contacts}
        newcomers = changed.created - counted
        membership.refresh(tenant, list(changed.contacts), now, newcomers=newcomers)
    by_scope: dict[frozenset[str], set[str]] = {}
    known = definitions.of(tenant) if changed.events else None
    for name, contacts in changed.events.items():
        scope = frozenset(known.using_event(name)) if known else frozenset()
        left = contacts - changed.contacts.keys()
        if scope and left:
            by_scope.setdefault(scope, set()).update(left)
    for scope, contacts in by_scope.items():
        membership.refresh(tenant, sorted(contacts), now, scope=scope)
