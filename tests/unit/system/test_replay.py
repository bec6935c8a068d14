"""What a replay does with each kind of work that nobody took: it goes where it was to go, or stays with its reason."""

import io
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from drumbeat.segments.model import Member

from infra import discovery, names
from infra.catalogue import Catalogue, checked
from infra.dead_letters import Outcome, Place, inventory
from tests.sends import sent
from tests.unit.system.sqs import Sqs
from tests.world import BUCKET, World, client

PURCHASE = {"detail-type": "contact.purchased", "resources": [], "detail": {"tenant_id": "ten_acme"}}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return checked(discovery.functions(), discovery.documented())


class Account:
    """The operator's AWS account: Lambda calls the functions of a world, and remembers which. `answers` take the place
    of functions; one that raises is a function that fails."""

    def __init__(self, world: World, catalogue: Catalogue) -> None:
        self.world, self.sqs, self.called = world, Sqs(), list[str]()
        self.answers: dict[str, Callable[[Any], Any]] = {}
        self.functions = {names.function(found.name): found.name for found in catalogue.functions}
        self.services: dict[str, Any] = {"lambda": self, "sqs": self.sqs}
        for queue in ("launch", "launch-dead", "undelivered", "feedback", "feedback-unsubscribed"):
            self.sqs.made(f"drumbeat-{queue}")
        self.sqs.made(names.undelivered_topic("feedback.receive_ses_events"))
        self.places = {place.name: place for place in inventory.places(catalogue, self.client, BUCKET)}

    def client(self, service: str) -> Any:
        return self.services.get(service) or client(service)

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - botocore's names
        name = self.functions[FunctionName]
        self.called.append(name)
        try:
            answer = self.answers.get(name, lambda event: self.world.run(name, event))(json.loads(Payload))
        except LookupError as error:
            told = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(told).encode())}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    def replay(self, place: str) -> list[str]:
        """Why each piece stayed; empty for those that are back."""
        return [outcome.stayed for outcome in self.places[place].replay(None)]


@pytest.fixture
def account(world: World, catalogue: Catalogue) -> Account:
    return Account(world, catalogue)


def said(**attributes: str) -> dict[str, Any]:
    return {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}


def test_every_queue_subscription_and_machine_has_its_place(catalogue: Catalogue) -> None:
    known = {place.name for place in inventory.places(catalogue, client, BUCKET)}
    machines = {found.declaration.machine.name for found in catalogue.functions if found.declaration.machine}
    assert {*catalogue.consumers, *machines, "undelivered", "stream", "feedback-unsubscribed"} <= known
    assert "feedback.receive_ses_events-unsubscribed" in known


def test_an_event_that_lambda_gave_up_goes_to_who_listens_to_it(account: Account) -> None:
    account.answers["campaigns.attribute_purchase"] = lambda event: {}
    account.sqs.send_message("drumbeat-undelivered", json.dumps(PURCHASE), MessageAttributes=said(ErrorCode="200"))

    assert account.places["undelivered"].sample(1)[0].reason == "200"
    assert account.replay("undelivered") == [""]
    assert account.called == ["campaigns.attribute_purchase"]
    assert account.replay("undelivered") == [] and account.places["undelivered"].count() == 0


def test_a_run_by_the_clock_goes_to_the_function_of_its_rule(account: Account) -> None:
    rule = "arn:aws:events:us-east-1:123456789012:rule/drumbeat-exports-sweep_exports"
    tick = {"detail-type": "Scheduled Event", "resources": [rule], "detail": {}}
    account.sqs.send_message("drumbeat-undelivered", json.dumps(tick))

    assert account.replay("undelivered") == [""]
    assert account.called == ["exports.sweep_exports"]


def test_what_a_schedule_could_not_deliver_goes_to_its_queue(account: Account) -> None:
    target = said(TARGET_ARN="arn:aws:sqs:us-east-1:123456789012:drumbeat-launch", ERROR_CODE="THROTTLED")
    account.sqs.send_message("drumbeat-undelivered", '{"campaign": "cmp_1"}', MessageAttributes=target)

    assert account.places["undelivered"].sample(1)[0].reason == "THROTTLED"
    assert account.replay("undelivered") == [""]
    (message,) = account.sqs.queues["drumbeat-launch"].values()
    assert message.body == '{"campaign": "cmp_1"}'


def test_what_a_function_fails_on_stays_with_its_reason_and_is_there_for_the_next_try(account: Account) -> None:
    def fails(event: Any) -> Any:
        raise LookupError("defect")

    account.answers["campaigns.attribute_purchase"] = fails
    account.sqs.send_message("drumbeat-undelivered", json.dumps(PURCHASE))
    account.sqs.send_message("drumbeat-undelivered", '{"detail-type": "contact.forgotten"}')

    failed, unheard = account.replay("undelivered")
    assert failed == "campaigns.attribute_purchase failed: LookupError"
    assert unheard == "nobody listens to it: contact.forgotten"
    account.answers["campaigns.attribute_purchase"] = lambda event: {}
    assert account.replay("undelivered") == ["", unheard]


def test_a_run_that_takes_long_tries_each_letter_once(account: Account) -> None:
    """What is received is hidden for a quarter of an hour; functions that fail may take longer than that."""

    def fails_slowly(event: Any) -> Any:
        for message in account.sqs.queues["drumbeat-undelivered"].values():
            message.visible_at = 0.0
        raise LookupError("defect")

    account.answers["campaigns.attribute_purchase"] = fails_slowly
    for _ in range(3):
        account.sqs.send_message("drumbeat-undelivered", json.dumps(PURCHASE))

    tried = list(itertools.islice(account.places["undelivered"].replay(None), 10))

    assert len(tried) == len(account.called) == 3
    assert len(account.places["undelivered"].sample(10)) == 3  # and they may be looked at again


@pytest.mark.parametrize("wrapped", [False, True])
def test_what_sns_could_not_put_on_a_queue_is_applied(account: Account, wrapped: bool) -> None:
    send = sent()
    report = json.dumps(send.event("Delivery"))
    body = json.dumps({"Type": "Notification", "Message": report}) if wrapped else report
    account.sqs.send_message("drumbeat-feedback-unsubscribed", body)

    assert account.replay("feedback-unsubscribed") == [""]
    (message,) = account.sqs.queues["drumbeat-feedback"].values()
    account.world.run("feedback.apply_feedback", {"Records": [{"messageId": "1", "body": message.body}]})
    assert send.stats() == {"delivered": {0}}


def test_what_sns_could_not_post_is_verified_as_ever(account: Account) -> None:
    place = "feedback.receive_ses_events-unsubscribed"
    account.sqs.send_message(f"drumbeat-{place.replace('.', '-')}", '{"Type": "Notification"}')

    (why,) = account.replay(place)

    assert account.called == ["feedback.receive_ses_events"] and why.startswith("refused with 400")
    assert account.places[place].count() == 1


def stream_batch(key: str, *contacts: str) -> None:
    """A batch of the stream as Lambda keeps it in the bucket."""
    records = [
        {
            "eventName": "INSERT",
            "dynamodb": {
                "SequenceNumber": str(place),
                "Keys": {"pk": {"S": f"CONTACT#ten_acme#{contact}"}, "sk": {"S": "CONTACT"}},
            },
        }
        for place, contact in enumerate(contacts)
    ]
    function = "arn:aws:lambda:us-east-1:123456789012:function:drumbeat-segments-evaluate_changes:$LATEST"
    context = {"functionArn": function, "condition": "RetryAttemptsExhausted"}
    kept = {"requestContext": context, "payload": json.dumps({"Records": records})}
    client("s3").put_object(Bucket=BUCKET, Key=f"aws/lambda/{key}", Body=json.dumps(kept))


def test_a_batch_of_the_stream_goes_through_its_function_and_is_deleted_when_all_of_it_was_taken(
    account: Account,
) -> None:
    body = {"email": "rina@mail.example", "consent": {"email": {"status": "granted", "source": "f", "method": "web"}}}
    contact = account.world.call("contacts.create_contact", body=body).data["id"]
    criteria = {"logic": "AND", "conditions": [{"field": "email", "operator": "is_set"}]}
    made = account.world.call("segments.create_segment", body={"name": "All", "criteria": criteria})
    account.world.settle()
    Member(*Member.key("ten_acme", made.data["id"], contact)).delete()
    stream_batch("1/shard/2026/batch", contact)
    poisoned = {"batchItemFailures": [{"itemIdentifier": "1"}]}

    (dead,) = account.places["stream"].sample(10)
    assert dead.reason == "segments.evaluate_changes: RetryAttemptsExhausted"
    assert account.replay("stream") == [""] and account.places["stream"].count() == 0
    assert Member.fetch(*Member.key("ten_acme", made.data["id"], contact)) is not None

    stream_batch("2/shard/2026/batch", contact, contact, contact)
    seen: list[int] = []

    def half(event: Any) -> Any:
        seen.append(len(event["Records"]))
        return poisoned if len(event["Records"]) > 1 else {"batchItemFailures": []}

    account.answers["segments.evaluate_changes"] = half
    assert account.replay("stream") == ["segments.evaluate_changes failed on 1 of 3 records"]
    assert seen == [3, 1] and account.places["stream"].count() == 1


class Machines:
    """Step Functions with one execution that failed."""

    def __init__(self, *, redrives: bool) -> None:
        self.redrives, self.failed, self.started = redrives, True, list[dict[str, str]]()

    def get_paginator(self, operation: str) -> Any:
        return self if operation == "list_executions" else _Pages([{"stateMachines": [_machine("import")]}])

    def paginate(self, stateMachineArn: str, statusFilter: str) -> Any:  # noqa: N803 - botocore's names
        there = self.failed and statusFilter == "FAILED"
        return [{"executions": [_EXECUTION] if there else []}]

    def redrive_execution(self, executionArn: str) -> None:  # noqa: N803
        if not self.redrives:
            raise ClientError({"Error": {"Code": "InvalidAction"}}, "RedriveExecution")
        self.failed = False

    def describe_execution(self, executionArn: str) -> dict[str, str]:  # noqa: N803
        return {"stateMachineArn": "arn:import", "input": '{"import": "imp_1"}', "error": "States.Timeout"}

    def start_execution(self, **asked: str) -> None:
        if asked in self.started:
            raise ClientError({"Error": {"Code": "ExecutionAlreadyExists"}}, "StartExecution")
        self.started.append(asked)


class _Pages:
    def __init__(self, pages: list[Any]) -> None:
        self.pages = pages

    def paginate(self) -> list[Any]:
        return self.pages


def _machine(name: str) -> dict[str, str]:
    return {"name": f"drumbeat-{name}", "stateMachineArn": f"arn:{name}"}


class _Lately:
    def timestamp(self) -> float:
        return 4_102_444_800.0


_EXECUTION = {"name": "imp_1-0", "executionArn": "arn:imp_1-0", "status": "FAILED", "stopDate": _Lately()}


def outcomes(place: Place) -> list[Outcome]:
    return list(place.replay(None))


def test_an_execution_goes_on_from_where_it_failed(account: Account) -> None:
    account.services["stepfunctions"] = Machines(redrives=True)
    place = account.places["import"]

    assert place.sample(5)[0].reason == "failed: States.Timeout"
    assert outcomes(place) == [Outcome("imp_1-0")]
    assert outcomes(place) == [] and place.count() == 0


def test_where_nothing_can_be_redriven_it_starts_again_once(account: Account) -> None:
    machines = account.services["stepfunctions"] = Machines(redrives=False)

    assert outcomes(account.places["import"]) == [Outcome("imp_1-0")]
    assert outcomes(account.places["import"]) == [Outcome("imp_1-0", "was started again before")]
    assert machines.started == [
        {"stateMachineArn": "arn:import", "name": "imp_1-0-again", "input": '{"import": "imp_1"}'}
    ]
