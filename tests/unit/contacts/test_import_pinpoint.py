"""Importing what Amazon Pinpoint exports: endpoints become people."""

import gzip
import json
from typing import Any

from drumbeat.contacts import consent, suppressions
from drumbeat.contacts import model as contacts

from tests.unit.contacts.files import imported, people, rejected, totals
from tests.world import World


def endpoint(channel: str, address: str, user: str | None, **more: Any) -> dict[str, Any]:
    """A line of an export job's file, with what each has."""
    told = {
        "Id": f"{channel}-{address}"[:40], "ApplicationId": "810c7aab86d42fb2b56c8c966example", "CohortId": "39",
        "ChannelType": channel, "Address": address, "EndpointStatus": "ACTIVE", "OptOut": "NONE", "RequestId": "r",
        "EffectiveDate": "2026-03-04T05:06:07.890Z", "CreationDate": "2025-01-01T00:00:00Z", **more,
    }  # fmt: skip
    if user is not None:
        told["User"] = {"UserId": user, **more.get("User", {})}
    return told


def export(*endpoints: dict[str, Any]) -> bytes:
    return gzip.compress("".join(json.dumps(one) + "\n" for one in endpoints).encode())


def left_out(job: dict[str, Any]) -> dict[str, str]:
    return {line["source"]: line["reason"] for line in job["report"]["left_out"]}


def test_several_endpoints_of_a_user_are_one_contact(world: World) -> None:
    user = {"UserAttributes": {"FirstName": ["Jane"], "LastName": ["Doe"], "Plan": ["gold"]}}
    job = imported(
        world,
        export(
            endpoint(
                "EMAIL", "Jane@example.com", "u1", User=user, Attributes={"Interests": ["Music", "Travel"]},
                Metrics={"logins": 12.0}, Location={"City": "Seattle", "Country": "US", "Latitude": 47.6},
                Demographic={
                    "Timezone": "America/Los_Angeles", "Locale": "en_US", "Make": "Apple", "PlatformVersion": "17",
                },
            ),
            endpoint("SMS", "+16045550182", "u1", User=user, Attributes={"Interests": ["Art", "Music"]}, OptOut="ALL"),
            endpoint("APNS", "1a2b3c4d", "u1", User=user, Demographic={"Timezone": "Nowhere/Land"}),
            endpoint("EMAIL", "jane.second@example.com", "u1", User=user),
            endpoint("EMAIL", "alone@example.com", None, EndpointStatus="INACTIVE"),
            endpoint("EMAIL", "old@example.com", "u2", EndpointStatus="INACTIVE"),
            endpoint("EMAIL", "new@example.com", "u2", OptOut="NONE"),
            endpoint("EMAIL", "gone@example.com", "u3", OptOut="ALL"),
            endpoint("CUSTOM", "https://hook.example", "u4"),
            endpoint("EMAIL", "JANE@example.com", "u5"),
            endpoint("APNS", "9z8y", None),
        ),
    )  # fmt: skip

    assert (job["format"], job["state"]) == ("pinpoint_json_lines", "done")
    assert totals(job) == (11, 5, 0, 4, 2)
    found = people(world)
    assert set(found) == {"Jane@example.com", "alone@example.com", "new@example.com", "gone@example.com", "u4"}
    jane = found["Jane@example.com"]
    assert [jane[name] for name in ("first_name", "last_name", "phone", "push_token", "external_id")] == [
        "Jane", "Doe", "+16045550182", "1a2b3c4d", "u1",
    ]  # fmt: skip
    assert (jane["time_zone"], jane["language"], jane["country"]) == ("America/Los_Angeles", "en-US", "US")
    assert jane["attributes"] == {
        "Plan": "gold", "Interests": ["Music", "Travel", "Art"], "logins": 12.0, "location_city": "Seattle",
        "location_country": "US", "latitude": 47.6, "demographic_make": "Apple",
        "demographic_platform_version": "17",
    }  # fmt: skip
    said = {channel: (one["status"], one["source"]) for channel, one in jane["consent"].items()}
    granted = ("granted", "Amazon Pinpoint")
    assert said == {"email": granted, "sms": ("revoked", "Amazon Pinpoint"), "push": granted}
    assert jane["consent"]["email"]["at"] == "2026-03-04T05:06:07.890Z"
    assert found["alone@example.com"]["consent"] == {}
    assert found["new@example.com"]["consent"]["email"]["status"] == "granted"
    assert found["gone@example.com"]["consent"]["email"]["status"] == "revoked"

    reasons = left_out(job)
    assert "has room for one" in reasons["email"]
    assert "time zone" in reasons["Demographic.Timezone"]
    assert "INACTIVE" in reasons["Address (EMAIL)"]
    assert "no" not in reasons.get("Attributes.Interests", "")
    assert reasons["CohortId"] == "is Pinpoint's own; nothing here uses it"
    assert "through this channel" in reasons["Address (CUSTOM)"]
    carried = {(line["source"], line["target"]): line["rows"] for line in job["report"]["carried_over"]}
    assert carried["User.UserAttributes.Plan", "attributes.Plan"] == 4
    assert carried["OptOut", "consent.email"] == 4
    assert [line.split(",")[:2] for line in rejected(job)[1:]] == [["10", "external_id"], ["11", "row"]]


def test_importing_a_newer_export_replaces_and_takes_nothing_back(world: World) -> None:
    first = endpoint("EMAIL", "a@example.com", "u1", Attributes={"Interests": ["Music"], "Old": ["x"]})
    imported(world, export(first))
    world.call("contacts.create_unsubscribe", body={"email": "a@example.com"})
    newer = {**first, "Attributes": {"Interests": ["Art"]}}
    other = endpoint("SMS", "+16045550182", "u1", Attributes={"Interests": ["Film"]})

    job = imported(world, export(newer, other))

    assert totals(job) == (2, 0, 2, 0, 0)
    (ann,) = people(world).values()
    assert ann["attributes"] == {"Interests": ["Art", "Film"], "Old": "x"}
    assert ann["consent"]["email"]["status"] == "revoked"
    imported(world, export(newer, other), on_duplicate="overwrite")
    (ann,) = people(world).values()
    assert ann["attributes"] == {"Interests": ["Art", "Film"]}
    assert (ann["phone"], ann["consent"]["email"]["status"]) == ("+16045550182", "revoked")


def test_an_opt_out_holds_in_whatever_order_the_endpoints_come(world: World) -> None:
    lines = [
        endpoint("EMAIL", "shared@example.com", "u1"),
        endpoint("EMAIL", "SHARED@example.com", "u2", OptOut="ALL"),  # another user's
        endpoint("EMAIL", "twice@example.com", "u3"),
        endpoint("EMAIL", "twice@example.com", "u3", OptOut="ALL"),  # the same user's, again
        endpoint("EMAIL", "first@example.com", "u4"),
        endpoint("EMAIL", "second@example.com", "u4", OptOut="ALL"),  # for which there is no room
        endpoint("EMAIL", "second@example.com", "u5"),
        endpoint("SMS", "+16045550182", "u6", OptOut="ALL", EndpointStatus="INACTIVE"),
        endpoint("SMS", "+16045550182", "u7"),
        endpoint("EMAIL", "bad@example.com", "u8", OptOut="ALL", Attributes={"long": ["x" * 66_000]}),
        endpoint("EMAIL", "bad@example.com", "u9"),
        {"ChannelType": "EMAIL", "OptOut": "ALL", "User": {"UserId": "u10"}},
        endpoint("EMAIL", "ten@example.com", "u10"),
        endpoint("EMAIL", "fine@example.com", "u11"),
    ]  # fmt: skip
    for tenant, some in (("acme", lines), ("globex", lines[::-1])):
        job = imported(world, export(*some), tenant=tenant)
        assert job["state"] == "done"
        marketed = set()
        for number in range(1, 12):
            person = contacts.find_by_external_id(f"ten_{tenant}", f"u{number}")
            for channel, address in (("email", person and person.email), ("sms", person and person.phone)):
                held = suppressions.find(f"ten_{tenant}", address) if address else None
                if person and not consent.may_market(person, channel, held):
                    marketed.add(address)
        # first@ never opted out; whether the person did, by another address, is not clear.
        assert marketed - {"first@example.com"} == {"fine@example.com"}, tenant
        carried = {(line["source"], line["target"]) for line in job["report"]["carried_over"]}
        assert ("opt-outs of addresses that no contact got", "suppression") in carried


def test_endpoints_as_csv(world: World) -> None:
    content = (
        "ChannelType,Address,Location.Country,Demographic.Platform,User.UserId,User.UserAttributes.Team,"
        "User.UserAttributes.Team,Metrics.visits,Attributes.last seen,OptOut,Shoe\n"
        "SMS,+16045550182,CA,Android,u1,red,blue,3,2026-01-02,NONE,\n"
        "EMAIL,john.stiles@example.com,US,iOS,u2,red,,2.5,,ALL,43\n"
        "GCM,4d5e6f,CN,Android,u2,,,,,NONE,\n"
        "EMAIL,not an address,US,iOS,u3,,,,,NONE,\n"
        "EMAIL,x@example.com,US,iOS,u4,,,,,MAYBE,\n"
    )

    job = imported(world, content, mapping={"Demographic.Platform": None})

    assert (job["format"], totals(job)) == ("pinpoint_csv", (5, 2, 0, 1, 2))
    found = people(world)
    one, two = found["+16045550182"], found["john.stiles@example.com"]
    assert one["attributes"] == {
        "Team": ["red", "blue"], "visits": 3, "last seen": "2026-01-02", "location_country": "CA",
    }  # fmt: skip
    assert two["attributes"] == {"Team": "red", "visits": 2.5, "location_country": ["US", "CN"]}
    assert (two["push_token"], two["external_id"]) == ("4d5e6f", "u2")
    assert {channel: said["status"] for channel, said in two["consent"].items()} == {
        "email": "revoked", "push": "granted",
    }  # fmt: skip
    reasons = left_out(job)
    assert reasons["Demographic.Platform"] == "ignored by the mapping"
    assert reasons["Shoe"] == "is no part of an endpoint"
    assert "neither ALL nor NONE" in reasons["OptOut"]


def test_a_list_of_users_and_what_cannot_be_mapped(world: World) -> None:
    job = imported(world, '{"User":{"UserId":"u1"}}\n{"User":{"UserId":"u2"}}\n')
    assert (job["format"], set(people(world))) == ("pinpoint_json_lines", {"u1", "u2"})
    job = imported(world, "User.UserId\nu3\nu4 u5\n")
    assert totals(job) == (2, 1, 0, 0, 1)

    for asked, reason in (
        ({"mapping": {"Address": "email"}}, "only leave them out"),
        ({"on_duplicate": "skip"}, "skip"),
    ):
        job = imported(world, "ChannelType,Address\nEMAIL,a@example.com\n", **asked)
        assert job["state"] == "failed"
        assert reason in job["failure"]
    job = imported(world, "ChannelType,Address,User,User.UserId,User.UserAttributes\nEMAIL,x@example.com,a,u9,b\n")
    assert (totals(job), people(world)["x@example.com"]["external_id"]) == ((1, 1, 0, 0, 0), "u9")
    plain = "ChannelType,Address\nEMAIL,a@example.com\n"
    job = imported(world, plain)
    assert "silence is no consent" in left_out(job)["OptOut"]
    assert people(world)["a@example.com"]["consent"] == {}
    imported(world, plain, consent={"email": {"status": "granted", "source": "sign-up"}})
    assert people(world)["a@example.com"]["consent"]["email"]["source"] == "sign-up"
    job = imported(world, plain, format="csv", mapping={"Address": "email", "ChannelType": None})
    assert (job["format"], totals(job)) == ("csv", (1, 0, 1, 0, 0))
