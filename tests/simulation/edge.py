"""Where the simulation takes the place of the world: botocore's clients, the time, and chance. Nothing of the product.

with edge.installed():
    with edge.played(cloud): ...
"""

import functools
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import botocore.session
from drumbeat import aws, table
from drumbeat.sends import rendering

from tests.simulation import clients, clouds, fallbacks
from tests.simulation.clients import Client, Table
from tests.simulation.clouds import Cloud

_ACCOUNT = "123456789012"
SETTINGS = {
    **{
        f"QUEUE_{name.upper()}": f"https://sqs.us-east-1.amazonaws.com/{_ACCOUNT}/drumbeat-{name}"
        for name in (*clouds.CONSUMERS, "confirmations", "happened")
    },
    **{
        f"MACHINE_{name.upper()}": f"arn:aws:states:us-east-1:{_ACCOUNT}:stateMachine:drumbeat-{name}"
        for name in (*clouds.STEPS, "backfill", "advance", "enrol", "measure")
    },
    "SHARED_SENDERS": "acme.example,globex.example",
    "SUPPRESSION_KEY": "key",
    "ENVIRONMENT_ID": "label",
}


class _Session:
    """botocore's session, as far as `drumbeat.aws` asks it."""

    def create_client(self, service: str, config: Any) -> Client:
        return Client(service, config.retries["total_max_attempts"])


@contextmanager
def instead(owner: Any, **members: Any) -> Iterator[None]:
    """Members of a module or an object are others inside of the block."""
    before = {name: getattr(owner, name) for name in members}
    try:
        for name, member in members.items():
            setattr(owner, name, member)
        yield
    finally:
        for name, member in before.items():
            setattr(owner, name, member)


@contextmanager
def installed() -> Iterator[None]:
    """Clients of AWS are the simulation's."""
    missing = {name: value for name, value in SETTINGS.items() if os.environ.get(name) != value}
    before = {name: os.environ.get(name) for name in missing}
    with ExitStack() as stack:
        stack.enter_context(instead(botocore.session, get_session=lambda: _Session()))
        stack.enter_context(instead(table.connection().connection, _client=Table()))
        stack.enter_context(fallbacks.relayed())
        _forget_clients()
        os.environ.update(missing)
        try:
            yield
        finally:
            _forget_clients()
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def _forget_clients() -> None:
    aws.client.cache_clear()
    aws._session.cache_clear()


@contextmanager
def played(cloud: Cloud, seed: int) -> Iterator[None]:
    """The time is this cloud's, and whatever is left to chance follows from the seed."""
    work, chance = cloud.work, random.Random(-1 - seed)
    random.seed(seed)
    with (
        clients.reached(cloud),
        instead(time, time=work.time, sleep=work.sleep, monotonic=work.monotonic),
        instead(os, urandom=chance.randbytes),
        instead(random, _urandom=chance.randbytes),
    ):
        fresh_instances()
        yield


def fresh_instances() -> None:
    """Whatever instances of functions keep is gone: all of them are new."""
    for forget in _forgetting(len(sys.modules)):
        forget()


@functools.cache
def _forgetting(loaded: int) -> list[Callable[[], None]]:
    """What forgets, of so many modules that are loaded by now. What is compiled stays: a send's content never changes,
    and it takes long."""
    return [
        module.forget for name, module in sys.modules.items()
        if name.startswith("drumbeat.") and hasattr(module, "forget") and module is not rendering
    ]  # fmt: skip
