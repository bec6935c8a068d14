"""Finding one recipient in a send's ledger: its ranges are ordered, so a few reads do."""

from drumbeat import ids, table
from drumbeat.sends.model import SHARDS, Chunk, Send


def recipient(send: Send, contact_id: str) -> tuple[Chunk, int] | None:
    """The chunk that a contact is in, and its number there; None for somebody who is no recipient."""
    shard = ids.shard(contact_id, SHARDS) if int(send.plan_shards) == SHARDS else 0
    partition = f"CHUNK#{send.tenant}#{send.send_id}#{shard}"
    last = next(iter(table.rows(Chunk, partition, newest_first=True, limit=1)), None)
    low, high = 0, int(last.sk) if last else -1
    while low < high:
        middle = (low + high) // 2
        chunk = Chunk.fetch(*Chunk.key(send.tenant, send.send_id, shard, middle))
        if chunk is not None and _end(chunk) < contact_id:
            low = middle + 1
        else:
            high = middle
    # Of a send that is grouped several chunks have one range.
    end = None
    for chunk in table.rows(Chunk, partition, start=f"{max(low, 0):06d}"):
        end = end or _end(chunk)
        if _end(chunk) != end:
            break
        if contact_id in chunk.contacts:
            return chunk, chunk.contacts.index(contact_id)
    return None


def _end(chunk: Chunk) -> str:
    return chunk.range_end or chunk.contacts[-1]
