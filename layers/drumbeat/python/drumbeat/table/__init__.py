"""The one table: how entities are keyed, written once, changed by condition, and found.

Every item's `pk` is `TYPE#<tenant>#<id…>`: the type first so that IAM can tell entities apart, the tenant second
so that no key can be built without one. Rows that must be found before the tenant is known say `GLOBAL = True`:

    APIKEY     an API key's id                     accounts
    LOGIN      a user's e-mail address             accounts
    INVITE     an invitation's or reset's token    accounts
    TENANT     the tenant itself                   accounts
    SENDER     a provider account                  sends
    ENVIRONMENT  which table the data is of        sends
    SENDKEY    a tracking token's send             sends
    CERT       a provider's signing certificate    feedback
    CLAIM      a sending or tracking domain        deliverability
    CALLBACK   an address that providers report to providers
    RATE       requests in a window                edge

and the index of due work, `DUE#<kind>#<shard>`, which the sweepers read for all tenants.

Its rooms: `connection` (one client, own writes recognised), `tenancy` (the wall between tenants), `entity` (an item),
`containers` (between the two), `transactions`, `batches`, `reads`.
"""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from drumbeat.table.batches import MOST_IN_BATCH_GET, MOST_IN_BATCH_WRITE, put_many, raw, raw_many, write_many
from drumbeat.table.connection import TABLE, ConditionFailed, connection, fresh_attempt
from drumbeat.table.entity import Entity, InstantAttribute, index
from drumbeat.table.formats import NewerFormat
from drumbeat.table.reads import count, keys_in_index, rows
from drumbeat.table.sizes import MOST_KILOBYTES, is_too_large
from drumbeat.table.transactions import MOST_IN_TRANSACTION, Transaction, TransactionRefused, retried

__all__ = [
    "MOST_IN_BATCH_GET", "MOST_IN_BATCH_WRITE", "MOST_IN_TRANSACTION", "MOST_KILOBYTES", "TABLE", "ConditionFailed",
    "Entity", "InstantAttribute", "NewerFormat", "NumberAttribute", "Transaction", "TransactionRefused",
    "UnicodeAttribute", "connection", "count", "fresh_attempt", "index", "is_too_large", "keys_in_index", "put_many",
    "raw", "raw_many", "retried", "rows", "write_many",
]  # fmt: skip
