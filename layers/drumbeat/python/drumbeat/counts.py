"""How many objects of a kind a tenant has: exact, as the number changes in the transaction that makes or deletes one.

pk                       sk
COUNT#<tenant>#<kind>    <shard>    sharded by the object's id: one item takes 1,000 writes a second at best
"""

from drumbeat import ids
from drumbeat.table import Entity, NumberAttribute, Transaction

SHARDS = 8


class Count(Entity):
    TYPE = "COUNT"

    number = NumberAttribute(default=0)

    @staticmethod
    def key(tenant: str, kind: str, shard: int) -> tuple[str, str]:
        return f"COUNT#{tenant}#{kind}", str(shard)


def into(transaction: Transaction, tenant: str, kind: str, object_id: str, change: int) -> None:
    """Add the change to the transaction that makes (+1) or deletes (-1) objects; one call for each transaction."""
    key = Count.key(tenant, kind, ids.shard(object_id, SHARDS))
    transaction.update(Count, *key, [Count.number.add(change)])


def within(transaction: Transaction, tenant: str, kind: str, most: int) -> None:
    """Add one object to the transaction that makes it, if there are fewer than `most`: exact, whoever else makes one
    at the same time. All of such a kind are counted in one item; take them away with `less`."""
    room = Count.number < most
    if most > 0:
        room |= Count.number.does_not_exist()
    transaction.update(Count, *Count.key(tenant, kind, 0), [Count.number.add(1)], room)


def less(transaction: Transaction, tenant: str, kind: str) -> None:
    """Take one object that `within` counted away, in the transaction that deletes it."""
    transaction.update(Count, *Count.key(tenant, kind, 0), [Count.number.add(-1)])


def total(tenant: str, kind: str) -> int:
    """How many there are."""
    found = Count.many(Count.key(tenant, kind, shard) for shard in range(SHARDS))
    return int(sum(row.number for row in found))
