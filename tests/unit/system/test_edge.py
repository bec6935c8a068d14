"""The edge, through a real function: envelope, request ids, faults."""

from tests.world import World


def test_health_names_its_components(world: World) -> None:
    reply = world.call("system.get_health", tenant=None)

    assert reply.status == 200
    named = ("table", "bus", "queue", "environment")
    assert reply.data == {"status": "healthy", "components": dict.fromkeys(named, "healthy")}
    assert reply.body["success"] is True
    assert reply.headers["X-Request-ID"] == reply.body["request_id"]


def test_a_callers_request_id_is_taken_over(world: World) -> None:
    reply = world.call("system.get_health", tenant=None, headers={"X-Request-ID": "abc-123"})

    assert reply.body["request_id"] == reply.headers["X-Request-ID"] == "abc-123"


def test_health_is_503_and_names_what_is_down(world: World, monkeypatch: object) -> None:
    import os

    monkeypatch.setitem(os.environ, "HEALTH_QUEUE", os.environ["HEALTH_QUEUE"] + "-gone")  # type: ignore[attr-defined]

    reply = world.call("system.get_health", tenant=None)

    assert reply.status == 503
    assert "queue" in reply.body["message"]
