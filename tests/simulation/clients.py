"""botocore's clients as the functions have them; requests go to the cloud that there is now."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from drumbeat.table import tenancy

from tests.simulation.clouds import Cloud


class Hooks:
    """The hooks of a client, by name; whoever makes requests calls them as botocore does."""

    def __init__(self, **known: Callable[..., None]) -> None:
        self.known = known

    def register(self, event: str, hook: Callable[..., None], unique_id: str) -> None:
        self.known[unique_id] = hook

    def unregister(self, event: str, unique_id: str) -> None:
        del self.known[unique_id]


class Client:
    """A client of any service but DynamoDB: each method is a request to the cloud that there is now."""

    def __init__(self, service: str, tries: int) -> None:
        self._service, self._tries = service, tries
        self.meta = SimpleNamespace(events=Hooks())

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        return lambda **kwargs: here().request(self._service, name, kwargs, self._tries)


class Table:
    """What pynamodb's connection holds for DynamoDB's client. Its hooks are called as botocore calls them."""

    _request_signer = None

    def __init__(self) -> None:
        self._hooks = Hooks(tenancy=tenancy.guard)
        self.meta = SimpleNamespace(events=self._hooks)

    def _make_api_call(self, operation: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        here().watch(operation, kwargs)
        model = _model(operation)
        for hook in self._hooks.known.values():
            hook(params=kwargs, model=model)
        return here().dynamodb(operation, kwargs)

    def transact_write_items(self, **kwargs: Any) -> dict[str, Any]:
        return self._make_api_call("TransactWriteItems", kwargs)


_here: Cloud | None = None


def here() -> Cloud:
    """The cloud that requests go to."""
    assert _here is not None
    return _here


@contextmanager
def reached(cloud: Cloud) -> Iterator[Cloud]:
    """Requests go to this cloud."""
    global _here
    before, _here = _here, cloud
    try:
        yield cloud
    finally:
        _here = before


@functools.cache
def _model(operation: str) -> SimpleNamespace:
    return SimpleNamespace(name=operation)
