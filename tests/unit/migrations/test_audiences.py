"""Pinpoint's segments mean the same people here."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from drumbeat.migrations import audiences
from drumbeat.migrations.audiences import NotCarried, Reading
from drumbeat.segments import rules
from drumbeat.segments.facts import Facts

from tests.unit.migrations.pinpoint import attribute, group, segment

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ANN = Facts(
    "con_1", fields={"email": "ann@example.com", "first_name": "Ann"}, consents={"push": "granted"},
    attributes={
        "Interests": ["Music", "Travel"], "Plan": "gold", "logins": 12, "location_country": "US", "age": "41",
        "demographic_platform": "ios", "since": "2025-06-01T10:00:00Z", "latitude": 47.6, "longitude": -122.3,
    },
    segments=frozenset({"seg_base"}), tags=frozenset({"pinpoint-s9"}),
)  # fmt: skip


def reading() -> Reading:
    return Reading({"base": "seg_base", "other": "seg_other"})


def has(document: dict[str, Any]) -> bool:
    """Whether the segment has Ann, by what it becomes here."""
    parsed = rules.parse(reading().criteria(document["SegmentResponse"]))
    return rules.matches(parsed, ANN, NOW, ZoneInfo("UTC"))


def of(*groups: dict[str, Any], **more: Any) -> dict[str, Any]:
    return segment("s1", "One", *groups, **more)


MUSIC = {"Attributes": {"Interests": attribute("Music", "Art")}}
SPORT = {"Attributes": {"Interests": attribute("Sport")}}
GOLD = {"UserAttributes": {"Plan": attribute("gold")}}
MEMBERS = [
    (of(group(MUSIC)), True),
    (of(group(SPORT)), False),
    (of(group(MUSIC, SPORT)), False),
    (of(group(MUSIC, SPORT, how="ANY")), True),
    (of(group(MUSIC, SPORT, how="NONE")), False),
    (of(group(SPORT, how="NONE")), True),
    (of(group(MUSIC), group(SPORT)), False),
    (of(group(MUSIC), group(SPORT), include="ANY"), True),
    (of(group(MUSIC), group(SPORT), include="NONE"), False),
    (of(group({**MUSIC, **GOLD}), include="NONE"), False),
    (of(group({"Attributes": {"Interests": attribute("Music", kind="EXCLUSIVE")}})), False),
    (of(group({"Attributes": {"Missing": attribute("x", kind="EXCLUSIVE")}})), True),
    (of(group({"UserAttributes": {"Plan": attribute("ol", kind="CONTAINS"), "FirstName": attribute("Ann")}})), True),
    (of(group({"UserAttributes": {"since": attribute("2025-07-01T00:00:00Z", kind="BEFORE")}})), True),
    (of(group({"UserAttributes": {"since": attribute("2025-07-01T00:00:00Z", kind="AFTER")}})), False),
    (of(group({"UserAttributes": {"since": attribute("2025-06-01", kind="ON")}})), True),
    (of(group({"UserAttributes": {"since": attribute("2025-05-01", "2025-07-01", kind="BETWEEN")}})), True),
    (of(group({"Metrics": {"logins": {"ComparisonOperator": "GREATER_THAN_OR_EQUAL", "Value": 12.0}}})), True),
    (of(group({"Metrics": {"logins": {"ComparisonOperator": "LESS_THAN", "Value": 12.0}}})), False),
    (of(group({"Demographic": {"Platform": {"DimensionType": "INCLUSIVE", "Values": ["iOS"]}}})), True),
    (of(group({"Demographic": {"Channel": {"DimensionType": "INCLUSIVE", "Values": ["EMAIL", "SMS"]}}})), True),
    (of(group({"Demographic": {"Channel": {"DimensionType": "EXCLUSIVE", "Values": ["GCM"]}}})), False),
    (of(group({"Location": {"Country": {"DimensionType": "EXCLUSIVE", "Values": ["US", "CA"]}}})), False),
    (
        of(group({"Location": {"GPSPoint": {
            "Coordinates": {"Latitude": 47.5, "Longitude": -122.3}, "RangeInKilometers": 20.0,
        }}})),
        True,
    ),
    (of(group(MUSIC, sources=("base",))), True),
    (of(group(MUSIC, sources=("other",))), False),
    (of(group(MUSIC, sources=("other", "base"), source_type="ANY")), True),
    (of(group(sources=("other",), source_type="NONE")), True),
    (of(group()), True),
    (of(Dimensions=MUSIC), True),
    (of(group(MUSIC), Dimensions=SPORT), False),
    (of(SegmentType="IMPORT", Id="s9", ImportDefinition={"S3Url": "s3://lists/a.csv", "Format": "CSV"}), True),
]  # fmt: skip


@pytest.mark.parametrize(("document", "in_it"), MEMBERS, ids=range(len(MEMBERS)))
def test_a_segment_has_the_same_people(document: dict[str, Any], in_it: bool) -> None:
    assert has(document) is in_it


def test_dimensions_that_the_api_repeats_are_one_condition() -> None:
    criteria = reading().criteria(of(group(MUSIC), Dimensions=MUSIC)["SegmentResponse"])

    wanted = {"field": "attributes.Interests", "operator": "in", "value": ["Music", "Art"]}
    assert criteria == {"logic": "AND", "conditions": [wanted]}


def test_what_differs_is_said() -> None:
    seen = reading()
    attributes = {"a": attribute("x", kind="CONTAINS"), "b": attribute("2025-01-01", kind="ON")}
    seen.criteria(of(group({"Attributes": attributes}))["SegmentResponse"])
    assert seen.differences == [audiences.PARTS, audiences.DAYS]
    seen = reading()
    seen.criteria(of(SegmentType="IMPORT", ImportDefinition={"S3Url": "s3://lists/a.csv"})["SegmentResponse"])
    assert "s3://lists/a.csv" in seen.differences[0]
    assert "pinpoint-s1" in seen.differences[0]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (of(group({"Behavior": {"Recency": {"Duration": "DAY_7", "RecencyType": "ACTIVE"}}})), "used an app lately"),
        (of(group({"Demographic": {"DeviceType": {"Values": ["x"]}}})), "DeviceType"),
        (of(group({"Demographic": {"Channel": {"Values": ["CUSTOM"]}}})), "channel CUSTOM"),
        (of(group(), include="NONE"), "nobody"),
        (of(group({"Attributes": {"a": attribute()}})), "without values"),
        (of(group({"Attributes": {"a": attribute("1", kind="BETWEEN")}})), "BETWEEN 1"),
        (of(group({"Metrics": {"m": {"ComparisonOperator": "ABOUT", "Value": 1}}})), "metric 'm'"),
        (of(group({**GOLD, "Consent": {"email": "granted"}})), "unknown part Consent"),
        (of(group({**GOLD, "attributes": {"a": attribute("1")}})), "unknown part attributes"),
        (of(group({"Location": {"Region": {"Values": ["x"]}}})), "unknown part Region"),
        (of(group({"Location": {"GPSPoint": {}}})), "GPSPoint"),
        (of(group({"Location": {"Country": {}}})), "without values"),
        (of({**group(GOLD), "SourceSegment": [{"Id": "base"}]}), "unknown part SourceSegment"),
        (of(group(GOLD, {}, how="ANY")), "everybody"),
        (of(group(GOLD), group(), include="ANY"), "everybody"),
        ({"SegmentResponse": {"Id": "s1", "segmentGroups": {}}}, "neither SegmentGroups nor Dimensions"),
    ],
    ids=range(16),
)
def test_what_cannot_be_carried_over_is_refused_not_widened(document: dict[str, Any], reason: str) -> None:
    with pytest.raises(NotCarried, match=reason):
        reading().criteria(document["SegmentResponse"])
