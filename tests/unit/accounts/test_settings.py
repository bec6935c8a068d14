"""Settings: merged, checked, used by everyone."""

from typing import Any

import pytest
from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant

from tests.world import World


def test_a_change_merges_and_is_in_force(world: World) -> None:
    before = settings.of("ten_acme")
    reply = world.call("accounts.update_settings", body={"time_zone": "Asia/Dhaka", "track_opens": False})

    after = settings.of("ten_acme")
    assert reply.data["time_zone"] == after.time_zone == "Asia/Dhaka"
    assert after.track_opens is False
    assert after.sender_email == before.sender_email == "news@acme.example"
    assert world.call("accounts.get_settings").data == reply.data
    assert settings.of("ten_globex").time_zone == "UTC"


def test_null_takes_a_setting_away(world: World) -> None:
    world.call("accounts.update_settings", body={"postal_address": None})

    assert world.call("accounts.get_settings").data["postal_address"] is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("currency", "taka"), ("currency", None), ("time_zone", "Dhaka"), ("time_zone", "../etc/passwd"),
        ("time_zone", "UTC\n"), ("language", "English"), ("country", "Bangladesh"),
        ("sender_name", "Acme\r\nBcc: x@y.example"),
        ("sender_email", "acme"), ("sender_email", "a@b.example, c@d.example"), ("postal_address", "x"),
        ("postal_address", "1 Main Street\x00"), ("unknown_policy", "always"), ("grace_seconds", 5),
        ("grace_seconds", "a while"), ("schedule_expiry_seconds", 10**9), ("message_events", "perhaps"),
        ("limits", {"standard": 10**6}), ("tenant", "ten_globex"),
    ],
)  # fmt: skip
def test_settings_that_are_refused(world: World, field: str, value: Any) -> None:
    reply = world.call("accounts.update_settings", body={field: value})

    assert reply.status == 422
    assert reply.refused == [field]


def test_a_setting_of_a_newer_version_survives_a_change(world: World) -> None:
    row = settings.stored("ten_acme")
    row.change(Tenant.settings.set({**row.settings, "of_tomorrow": 1}))

    assert world.call("accounts.update_settings", body={"currency": "EUR"}).status == 200
    assert settings.stored("ten_acme").settings["of_tomorrow"] == 1


def test_names_are_the_same_in_what_is_asked_stored_and_shown() -> None:
    # These have endpoints of their own, which ask DNS first, or the other system.
    checked = {"tracking_domain", "tracking_domain_pending", "customer_system"}
    stored = set(settings.Settings.model_fields)

    assert set(settings.SettingsChange.model_fields) == stored - checked
    assert set(settings.SettingsView.model_fields) == {*stored, "limits"}
    assert settings.SettingsChange().model_dump() == settings.Settings().model_dump(exclude=checked)
