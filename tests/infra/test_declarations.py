"""What a declaration becomes."""

import json
from typing import Any

import pytest
from drumbeat.activity.forwarding import SOURCE
from drumbeat.declare import Files

from infra import grants, names
from infra.discovery import Mistake
from infra.machines import definition
from infra.triggers import event_pattern, stream_filters
from tests.infra import example
from tests.infra.conftest import Templates
from tests.infra.example import EDGE, Key, Parcel, Rate, Stamp, declaration

TABLE = {"Fn::Sub": "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/drumbeat"}


def granted(action: str, **declared: Any) -> list[str]:
    """Key prefixes for which a function may do this to items."""
    kind = declared.pop("kind", "operator")
    statements = grants.statements(declaration(kind, "x.one", **declared), EDGE)
    return [
        key
        for statement in statements
        if action in statement["Action"] and statement["Resource"] == [TABLE]
        for key in statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    ]


def test_reading_is_not_writing() -> None:
    assert granted("dynamodb:GetItem", reads=(Stamp,)) == ["STAMP#*"]
    assert granted("dynamodb:PutItem", reads=(Stamp,)) == []


def test_whoever_writes_may_read_what_it_writes() -> None:
    assert granted("dynamodb:UpdateItem", reads=(Stamp,), writes=(Parcel,)) == ["PARCEL#*"]
    assert granted("dynamodb:GetItem", reads=(Stamp,), writes=(Parcel,)) == ["PARCEL#*", "STAMP#*"]


def test_publishing_is_writing_an_outbox_row() -> None:
    assert granted("dynamodb:PutItem", publishes=("parcel.created",)) == ["OUTBOX#*"]
    assert "events:PutEvents" not in json.dumps(
        grants.statements(declaration("operator", "x.one", publishes=("parcel.created",)), EDGE)
    )


def test_listeners_hear_us_or_the_outside_that_they_name() -> None:
    ours = declaration("on", "x.one", events=("parcel.created",))
    theirs = declaration("on", "x.one", events=("customer.updated",), sources="customers.")
    assert event_pattern(ours) == {"source": [SOURCE], "detail-type": ["parcel.created"]}
    assert event_pattern(theirs) == {"source": [{"prefix": "customers."}], "detail-type": ["customer.updated"]}


def test_endpoints_get_what_the_edge_itself_reads_and_writes() -> None:
    assert granted("dynamodb:GetItem", kind="http", scope="a:read") == [f"{Key.TYPE}#*", f"{Rate.TYPE}#*"]
    assert granted("dynamodb:PutItem", kind="http", scope="a:read") == [f"{Rate.TYPE}#*"]
    assert granted("dynamodb:GetItem", kind="http") == [f"{Rate.TYPE}#*"]


def test_an_index_is_read_by_its_own_prefixes() -> None:
    statements = grants.statements(declaration("operator", "x.one", reads=(Parcel, Stamp)), EDGE)
    by_index = {
        statement["Resource"][0]["Fn::Sub"].rsplit("/", 1)[-1]: statement
        for statement in statements
        if "/index/" in json.dumps(statement["Resource"])
    }
    assert {
        index: statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        for index, statement in by_index.items()
    } == {"gsi1": ["PARCELS#*"], "gsi2": ["DUE#*"]}
    assert {tuple(statement["Action"]) for statement in by_index.values()} == {("dynamodb:Query",)}


def test_files_are_read_and_written_as_declared() -> None:
    text = json.dumps(grants.statements(declaration("operator", "x.one", files=(Files("a", write=False),)), EDGE))
    assert "s3:GetObject" in text and "s3:PutObject" not in text and "/a/*" in text


def test_a_call_that_nobody_knows_the_resource_of_is_refused() -> None:
    with pytest.raises(Mistake, match=r"x\.one: calls=\['iam:CreateUser'\] are not in infra/grants\.py"):
        grants.statements(declaration("operator", "x.one", calls=("iam:CreateUser",)), EDGE)


def test_stream_filters_name_keys_and_narrow_by_the_new_image() -> None:
    declared = next(each for each in example.DECLARATIONS if each.kind == "stream")
    events = ["INSERT", "MODIFY", "REMOVE"]
    assert stream_filters(declared) == [
        {"eventName": events, "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "OUTBOX#"}]}}}},
        {
            "eventName": events,
            "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "PARCEL#"}]}}, "NewImage": {"bus": {"N": ["1"]}}},
        },
    ]


def test_a_stream_takes_five_filters() -> None:
    where: dict[str, list[Any]] = {f"T{number}": ["a", "N", str(number)] for number in range(6)}
    with pytest.raises(Mistake, match="has 6 stream filters"):
        stream_filters(declaration("stream", "x.one", stream_types=tuple(where), stream_where=where))


def test_a_machine_that_waits_first_ends_after_four_transitions() -> None:
    machine = definition("arn:of:function", waits_first=True)
    states, passed, at = machine["States"], [machine["StartAt"]], machine["StartAt"]
    while states[at]["Type"] != "Succeed":
        done = next(iter(states[at].get("Choices", ())), None)
        at = done["Next"] if done else states[at]["Next"]
        passed.append(at)
    assert passed == ["Pause", "Work", "Decide", "Done"]


def test_the_same_filter_of_several_types_is_one_and_a_type_may_have_several() -> None:
    marked, waited = ["bus", "N", "1"], ["waited", "N", "1"]
    where = {"PARCEL": [marked, waited], "LETTER": marked}
    declared = declaration("stream", "x.one", stream_types=("PARCEL", "LETTER"), stream_where=where)
    patterns = [pattern["dynamodb"] for pattern in stream_filters(declared)]
    assert [[one["prefix"] for one in pattern["Keys"]["pk"]["S"]] for pattern in patterns] == [
        ["PARCEL#", "LETTER#"], ["PARCEL#"]
    ]  # fmt: skip
    assert [pattern["NewImage"] for pattern in patterns] == [{"bus": {"N": ["1"]}}, {"waited": {"N": ["1"]}}]
    assert declared.passes("PARCEL", "INSERT", {"waited": {"N": "1"}})
    assert not declared.passes("LETTER", "INSERT", {"waited": {"N": "1"}})


def test_a_machine_waits_works_and_ends() -> None:
    machine = definition("arn:of:function")
    states = machine["States"]
    assert machine["StartAt"] == "Decide" and states["Decide"]["Default"] == "Work"
    assert [choice["Next"] for choice in states["Decide"]["Choices"]] == ["Done", "Pause"]
    assert (states["Pause"]["Next"], states["Work"]["Next"]) == ("Work", "Decide")


def test_functions_are_told_where_things_are(example_templates: Templates) -> None:
    post = example_templates[names.stack("post")]["Resources"]
    variables = post["PostCreateParcel"]["Properties"]["Environment"]["Variables"]
    assert variables["FUNCTION"] == "post.create_parcel"
    assert json.loads(variables["DIALECTS"]) == example.DOCUMENTED["post.create_parcel"]
    assert {"QUEUE_PARCELS", "MACHINE_SORT", "SCHEDULER_ROLE", "JWT_KEYS", "PUBLIC_URL"} <= variables.keys()
    assert "SIGNING_KEY" in post["PostLogIn"]["Properties"]["Environment"]["Variables"]
    assert "SIGNING_KEY" not in variables


def test_documented_routes_share_the_function(example_templates: Templates) -> None:
    resources = example_templates[names.stack("post")]["Resources"].values()
    routes = {each["Properties"]["RouteKey"] for each in resources if each["Type"] == "AWS::ApiGatewayV2::Route"}
    assert routes == {
        "POST /v1/parcels/{parcel_id}", "POST /api/parcels", "PUT /api/parcels/{id}", "POST /v1/auth/login", "$default",
    }  # fmt: skip
    assert len([each for each in resources if each["Type"] == "AWS::ApiGatewayV2::Integration"]) == 3


def test_a_queue_waits_six_times_as_long_as_its_consumer(example_templates: Templates) -> None:
    base = example_templates[names.BASE_STACK]["Resources"]
    assert base["ParcelsQueue"]["Properties"]["VisibilityTimeout"] == 6 * 60
    assert base["ReceiptsQueue"]["Properties"]["VisibilityTimeout"] == 6 * 10 + 10


def test_topics_reach_queues_raw_and_urls_by_https(example_templates: Templates) -> None:
    base = example_templates[names.BASE_STACK]["Resources"]
    office = example_templates[names.stack("office")]["Resources"]
    assert base["DeliveriesToReceipts"]["Properties"]["RawMessageDelivery"] is True
    assert base["DeliveriesTopic"]["Properties"]["SignatureVersion"] == "2"
    assert office["OfficeReceiveComplaintsBounces"]["Properties"]["Protocol"] == "https"
    assert office["OfficeReceiveComplaintsUrl"]["Properties"]["AuthType"] == "NONE"
