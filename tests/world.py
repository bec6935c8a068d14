"""A whole deployment in one process, on moto: tables, queues, machines and the stream, driven step by step.

`settle()` does what AWS would do in the background: it hands queued messages to their consumers, runs started machines
round by round, and gives the table's changes to the functions that read its stream. One thread, deterministic.
"""

import functools
import json
import os
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from drumbeat import access, aws, clock, limits, providers, table
from drumbeat.accounts import settings
from drumbeat.accounts.model import ApiKey, Tenant
from drumbeat.contacts import suppressions
from drumbeat.declare import Function
from drumbeat.segments import definitions
from drumbeat.sends import environment, gate, rollups

from tests import harness, rewind, table_server
from tests.harness import Reply
from tests.rewind import ACCOUNT
from tests.sendgrid import SendGrid
from tests.simulation.streams import passes

BUS = "drumbeat"
BUCKET = "drumbeat-data"
# Senders of tests that are not about senders: the operator shares them.
SHARED_SENDERS = (
    "acme.example,globex.example,company.com,getit.com.bd,shop.example,elsewhere.example,unverified.example"
)


@functools.cache
def client(service: str) -> Any:
    """One client for all tests: to make one takes longer than most tests do, and moto answers it in any of them."""
    # moto does not know the endpoints that carry an account's number.
    return boto3.client(service, config=Config(account_id_endpoint_mode="disabled"))


@functools.cache
def all_functions() -> dict[str, Function]:
    """Every function by name."""
    files = sorted((harness.ROOT / "functions").glob("*/*.py"))
    return {f"{file.parent.name}.{file.stem}": harness.function(f"{file.parent.name}.{file.stem}") for file in files}


class World:
    """What a test stands in: AWS by moto, two tenants with an administrator's key each."""

    def __init__(self) -> None:
        self.functions = all_functions()
        self.consumers = {f.declaration.queue.name: f for f in self.functions.values() if f.declaration.queue}
        self.tasks = {f.declaration.machine.name: f for f in self.functions.values() if f.declaration.machine}
        self.readers = [f for f in self.functions.values() if f.declaration.kind == "stream"]
        self.read_to: dict[str, str] = {}
        self.streamed = 0
        self.running: list[tuple[str, dict[str, Any]]] = []
        self.waiting: list[tuple[str, dict[str, Any]]] = []
        self.seen: set[str] = set()
        self.keys: dict[str, str] = {}
        self.sendgrid = SendGrid()
        self.published: list[dict[str, Any]] = []
        self.heard = 0

    def build(self) -> None:
        """Make the resources that the templates make, and point the functions' environment at them."""
        os.environ["SHARED_SENDERS"] = SHARED_SENDERS
        os.environ["SES_ARNS"] = f"arn:aws:ses:us-east-1:{ACCOUNT}"
        rollups.EVERY = 0  # nobody waits here, so nothing is held back either
        rollups.forget()
        access.forget()
        limits.forget()
        settings.forget()
        definitions.forget()
        environment.forget()
        gate.forget()
        providers.forget()
        suppressions.forget()
        self.keys = rewind.go_back() or self._deployed()
        aws.client("sqs").meta.events.register(
            "before-parameter-build.sqs.SendMessageBatch", _at_once, unique_id="at-once"
        )

    def _deployed(self) -> dict[str, str]:
        """Make everything; gives the tenants' keys."""
        harness.create_table()
        made = client("dynamodb").update_table(
            TableName=table.TABLE,
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        os.environ["ENVIRONMENT_ID"] = made["TableDescription"]["LatestStreamLabel"]
        client("events").create_event_bus(Name=BUS)
        client("s3").create_bucket(Bucket=BUCKET)
        client("scheduler").create_schedule_group(Name="drumbeat")
        self._signing_key()
        for name in {*self.consumers, "health"}:
            made = client("sqs").create_queue(QueueName=f"drumbeat-{name}")
            os.environ[f"QUEUE_{name.upper()}"] = made["QueueUrl"]
        os.environ["HEALTH_QUEUE"] = os.environ["QUEUE_HEALTH"]
        for name in self.tasks:
            made = client("stepfunctions").create_state_machine(
                name=f"drumbeat-{name}",
                definition=json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}),
                roleArn=f"arn:aws:iam::{ACCOUNT}:role/machine",
            )
            os.environ[f"MACHINE_{name.upper()}"] = made["stateMachineArn"]
        keys = {tenant: self._tenant(tenant) for tenant in ("acme", "globex")}
        rewind.keep(keys)
        return keys

    def _signing_key(self) -> None:
        """The key that signs tokens, and its public half where functions look for it."""
        kms = client("kms")
        made = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
        public = load_der_public_key(kms.get_public_key(KeyId=made["KeyId"])["PublicKey"])
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        hashing = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]
        os.environ["SUPPRESSION_KEY"] = hashing["Arn"]
        os.environ.update(SIGNING_KEY=made["Arn"], JWT_KEYS=json.dumps({made["KeyId"]: pem}))

    def _tenant(self, name: str) -> str:
        """A tenant `ten_<name>` and the key of its administrator."""
        now = clock.wall()
        Tenant(
            *Tenant.key(f"ten_{name}"), gsi1pk="TENANTS#all", gsi1sk=f"ten_{name}", tenant=f"ten_{name}", name=name,
            slug=name, created_at=now,
            limits={"standard": 100_000, "events": 100_000, "upload": 10_000, "analytics": 10_000},
            settings={
                "currency": "USD", "time_zone": "UTC", "sender_name": name.title(),
                "sender_email": f"news@{name}.example",
                "postal_address": f"{name.title()} Inc., 1 Main Street, Springfield",
            },
        ).create()  # fmt: skip
        # Past the API, which may be the simulator's: that one knows its senders by itself.
        rewind.backend("ses").create_email_identity_v2(f"news@{name}.example", None, None, None)
        return self.key(name, ("*",))

    def key(self, tenant: str, scopes: tuple[str, ...], key_id: str | None = None, **more: Any) -> str:
        """An API key of a tenant, as the client would send it."""
        key_id = key_id or f"{tenant}{len(self.keys)}{'x'.join(scopes).replace(':', '').replace('*', 'all')}"
        ApiKey(
            *ApiKey.key(key_id), gsi1pk=f"APIKEYS#ten_{tenant}", gsi1sk=key_id, tenant=f"ten_{tenant}", key_id=key_id,
            name="test", secret_hash=access.hashed("secret"), scopes=set(scopes), created_at=clock.wall(), **more,
        ).create()  # fmt: skip
        return f"db_live_{key_id}_secret"

    def call(
        self, name: str, *, tenant: str | None = "acme", headers: Mapping[str, str] | None = None, **request: Any
    ) -> Reply:
        """Call an http function as a tenant's administrator (or, with `tenant=None`, without a credential).

        `route=` asks by a documented route: the body is then as that document has it.
        """
        credential = {"X-API-Key": self.keys[tenant]} if tenant else {}
        return harness.ask(name, headers={**credential, **(headers or {})}, **request)

    def run(self, name: str, event: Any = None) -> Any:
        """Invoke a function that is no API route: a schedule's, an operator's, a machine's task."""
        return harness.invoke(name, event)

    def mails(self) -> list[tuple[str, str]]:
        """(address, text) of the mails that went out through SES's SendEmail, oldest first."""
        sent = rewind.backend("ses").sent_messages
        return [(mail.destinations["ToAddresses"][0], mail.body) for mail in sent]

    def settle(self, rounds: int = 200) -> None:
        """Do all background work until nothing is left to do.

        A machine that waits is asked again when all else is quiet; when nothing comes of it, it goes on waiting.
        """
        for _ in range(rounds):
            if self._streams() | self._bus() | self._machines() | self._queues():
                continue
            self.running, self.waiting = self.waiting, []
            self._machines()
            if not (self._streams() | self._bus() | self._queues() | bool(self.running)):
                return
        raise AssertionError("the background work did not come to an end")

    def _queues(self) -> bool:
        busy = False
        for name, consumer in self.consumers.items():
            # What moto holds is looked at without a request: to ask it takes longer than most functions do.
            queue = rewind.backend("sqs").queues[f"drumbeat-{name}"]
            found = queue.messages[: min(10, consumer.declaration.batch)]
            if not found:
                continue
            busy = True
            records = [{"messageId": message.id, "body": message.body, "attributes": {}} for message in found]
            failed = self.run(consumer.declaration.name, {"Records": records})["batchItemFailures"]
            assert not failed, f"{consumer.declaration.name} failed {failed}: {records}"
            queue._messages = [message for message in queue._messages if message not in found]
        return busy

    def _bus(self) -> bool:
        """Hand what was put on the bus to the functions that listen for it."""
        heard, self.heard = self.published[self.heard :], len(self.published)
        for frame in heard:
            for listener in self.functions.values():
                if frame["event_type"] in listener.declaration.events:
                    self.run(listener.declaration.name, {"detail-type": frame["event_type"], "detail": frame})
        return bool(heard)

    def _machines(self) -> bool:
        for machine in rewind.backend("stepfunctions").state_machines:
            for execution in reversed(machine.executions):
                if execution.execution_arn not in self.seen:
                    self.seen.add(execution.execution_arn)
                    state = json.loads(execution.execution_input)
                    self.running.append((machine.name.removeprefix("drumbeat-"), state))
        running, self.running = self.running, []
        for name, state in running:
            after = self.run(self.tasks[name].declaration.name, state)
            if not after.get("done"):
                (self.waiting if after.get("wait_seconds") else self.running).append((name, after))
        return bool(running)

    def _streams(self) -> bool:
        records = self._changes()
        for reader in self.readers:
            wanted = [record for record in records if passes(reader, record)]
            for start in range(0, len(wanted), reader.declaration.batch):
                batch = wanted[start : start + reader.declaration.batch]
                failed = self.run(reader.declaration.name, {"Records": batch})["batchItemFailures"]
                assert not failed, f"{reader.declaration.name} failed"
        return bool(records)

    def _changes(self) -> list[dict[str, Any]]:
        """What the stream has told since the last time."""
        store = table_server.current()
        if store is not None:
            told, self.streamed = store.records[self.streamed :], len(store.records)
            return told
        written = len(rewind.backend("dynamodb").tables[table.TABLE].stream_shard.items)
        if written == self.streamed:
            return []
        self.streamed = written
        streams = client("dynamodbstreams")
        arn = streams.list_streams(TableName=table.TABLE)["Streams"][0]["StreamArn"]
        records: list[dict[str, Any]] = []
        for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
            after = self.read_to.get(shard["ShardId"])
            where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after} if after else {
                "ShardIteratorType": "TRIM_HORIZON"
            }  # fmt: skip
            place = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], **where)["ShardIterator"]
            found = streams.get_records(ShardIterator=place)["Records"]
            if found:
                self.read_to[shard["ShardId"]] = found[-1]["dynamodb"]["SequenceNumber"]
            records += found
        return records


def _at_once(params: dict[str, Any], **_: Any) -> None:
    """Delays of messages are over as soon as somebody looks: the world has no time to wait."""
    for entry in params["Entries"]:
        entry.pop("DelaySeconds", None)


@functools.cache
def watched() -> frozenset[str]:
    """The types of items whose changes any reader of the stream gets."""
    readers = [found for found in all_functions().values() if found.declaration.kind == "stream"]
    return frozenset(kind for reader in readers for kind in reader.declaration.stream_types)
