"""moto does the same work again and again for each request; here it does it once. What it answers stays the same.

- It copies the whole table once for each action of a transaction: 99 copies to write 99 items. The copy is what it goes
  back to when a condition fails; nothing is written between the copies, so they are all equal, and one is enough.
- It looks for each member of an answer under a dozen names, though DynamoDB's answers have the names of the API.
- It lists the methods of a class by inspection, and tries the addresses of 180 services in turn.
- It reads the region and the key's name from a request's signature, and does not check it: one of zeros will do.
"""

import copy
import functools
from typing import Any

from botocore import auth
from moto import backend_index
from moto.core import responses, utils
from moto.core.serialize import ResponseSerializer
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table

_plain_transaction = DynamoDBBackend.transact_write_items
_plain_value = ResponseSerializer.get_value
_plain_signature = auth.SigV4Auth.add_auth
_AT, _ZEROS = "20260302T090000Z", "0" * 64
_copies: dict[int, Any] = {}
_EXACT = frozenset({"dynamodb", "dynamodbstreams"})
_FIRST = ("dynamodb", "sqs", "dynamodbstreams", "stepfunctions")


def _snapshot(table: Any, memo: dict[int, Any]) -> Any:
    """The table with its own items and its own list of stream records (which never change)."""
    if id(table) not in _copies:
        held = copy.copy(table)
        held.items = copy.deepcopy(table.items, memo)
        if table.stream_shard:
            held.stream_shard = copy.copy(table.stream_shard)
            held.stream_shard.table, held.stream_shard.items = held, list(table.stream_shard.items)
        _copies[id(table)] = held
    return _copies[id(table)]


def _transaction(self: Any, transact_items: Any) -> None:
    _copies.clear()
    setattr(Table, "__deepcopy__", _snapshot)  # noqa: B010 - moto's class does not declare the hook
    try:
        _plain_transaction(self, transact_items)
    finally:
        delattr(Table, "__deepcopy__")
        _copies.clear()


def _value(self: Any, value: Any, key: str, shape: Any) -> Any:
    if isinstance(value, dict) and self.operation_model.service_model.service_name in _EXACT:
        return value.get(key)
    return _plain_value(self, value, key, shape)


def _sign(self: auth.SigV4Auth, request: Any) -> None:
    if type(self) is not auth.SigV4Auth:  # S3's, and addresses that are signed to be given away
        _plain_signature(self, request)
        return
    request.context["timestamp"] = _AT
    del request.headers["X-Amz-Date"], request.headers["Authorization"]  # of the attempt before this one
    request.headers["X-Amz-Date"] = _AT
    credential = f"{self.credentials.access_key}/{_AT[:8]}/{self._region_name}/{self._service_name}/aws4_request"
    request.headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature={_ZEROS}"
    )


def quicken() -> None:
    """Make moto quick, from now on."""
    DynamoDBBackend.transact_write_items = _transaction  # type: ignore[method-assign]  # that is the point
    ResponseSerializer.get_value = _value  # type: ignore[method-assign]
    setattr(responses, "method_names_from_class", functools.cache(utils.method_names_from_class))  # noqa: B010 - not exported
    auth.SigV4Auth.add_auth = _sign
    known = {name: place for place, name in enumerate(_FIRST)}
    backend_index.backend_url_patterns.sort(key=lambda pair: known.get(pair[0], len(_FIRST)))
