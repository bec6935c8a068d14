"""A journey from its trigger to its end, step by step."""

from drumbeat.journeys import sending
from drumbeat.sends.model import Send

from tests.unit.journeys.engine import Engine, mail, on, wait
from tests.unit.sends.conftest import TENANT


def test_a_welcome_series_sends_each_mail_once_at_its_time(engine: Engine) -> None:
    journey = engine.running(on("signed_up"), wait("w1", "PT1H"), mail("one"), wait("w2", "P3D"), mail("two"))
    engine.happens(0, "signed_up")
    engine.soon()
    assert engine.entry(journey).step == "w1" and not engine.mails()
    engine.passes(hours=2)
    assert engine.mails() == {("p0@town.example", "one"): 1}
    engine.passes(days=2, hours=12)
    assert engine.mails() == {("p0@town.example", "one"): 1}
    engine.passes(hours=13)
    assert engine.mails() == {("p0@town.example", "one"): 1, ("p0@town.example", "two"): 1}
    assert engine.entry(journey).state == "done"
    # The days are over: their sends take nobody any more, and end. Nobody tried to plan them.
    engine.passes(days=2, sweep=True)
    sends = [Send.fetch(*Send.key(TENANT, row.send_id)) for row in sending.of_journey(TENANT, journey)]
    ended = [(send.state, int(send.audience_size), send.planned_whole, send.restarted) for send in sends if send]
    assert ended == [("sent", 1, True, None)] * 2
    assert engine.told(journey) == [
        ("w1", "done"), ("w1", "done"), ("one", "queued"), ("w2", "done"), ("two", "queued")
    ]  # fmt: skip
