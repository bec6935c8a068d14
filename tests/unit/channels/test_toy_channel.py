"""A channel is one module: a new one lies in the folder, and campaigns go over it, as exactly as over any other."""

from typing import Any

from drumbeat.channels.outcomes import CallState

from tests.clocks import Time
from tests.harness import ROOT
from tests.unit.channels.conftest import PIGEONS, Office


def test_a_campaign_goes_over_a_channel_of_which_only_its_module_knows(office: Office, pigeon: Any) -> None:
    lofts = {f"loft-{n}": office.contact(first_name=f"N{n}", attributes={"loft": f"loft-{n}"}) for n in range(5)}
    nowhere = office.contact(first_name="Nobody")

    campaign = office.launched("pigeon", text="Coo {{ first_name }}")

    for _ in range(2):  # whoever looks again finds nothing to do
        office.world.run("sends.sweep_sends", {})
        office.world.settle()
    assert sorted(pigeon.arrived) == [(f"loft-{n}", f"Coo N{n}") for n in range(5)]
    shown = office.recipients(campaign)
    assert {contact: (row["outcome"], row["reason"]) for contact, row in shown.items()} == {
        nowhere: ("not_sent", "no_address"), **dict.fromkeys(lofts.values(), ("sent", None)),
    }  # fmt: skip
    results = office.results(campaign)
    assert (results["sent"], results["not_sent_by_reason"]) == (5, {"no_address": 1})
    assert next(row["name"] for row in office.timeline(lofts["loft-0"])) == "pigeon.sent"
    told = [frame for frame in office.world.published if frame["event_type"] == "marketing.pigeon.sent"]
    assert sorted(frame["data"]["loft"] for frame in told) == sorted(lofts)


def test_bad_weather_delays_everybody_and_doubles_nobody(office: Office, pigeon: Any, time: Time) -> None:
    lofts = {f"loft-{n}": office.contact(attributes={"loft": f"loft-{n}"}) for n in range(5)}
    pigeon.weather.extend([CallState.UNREACHABLE, CallState.THROTTLED, CallState.NOT_SENT, CallState.UNKNOWN])

    campaign = office.launched("pigeon", text="Coo")
    assert len(pigeon.arrived) < 5
    office.later(minutes=5)
    office.later(hours=3)  # the grace of whoever is in doubt is over

    assert sorted(loft for loft, _ in pigeon.arrived) == sorted(lofts)
    assert {row["outcome"] for row in office.recipients(campaign).values()} == {"sent"}


def test_nothing_of_the_layer_names_it() -> None:
    named = [file for file in (ROOT / "layers").rglob("*.py") if "pigeon" in file.read_text()]

    assert named == [] and [file.name for file in PIGEONS.glob("*.py")] == ["pigeon.py"]
