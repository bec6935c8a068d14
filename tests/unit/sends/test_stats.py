"""A chunk of five hundred has ten small stat items, which count, settle and show as one."""

from drumbeat.sends import rollups, stats
from drumbeat.sends.model import Chunk, Place, Send

from tests import rewind
from tests.sends import batch, sent
from tests.world import World


def test_a_large_chunk_has_an_item_for_fifty_recipients(world: World) -> None:
    send = sent(sizes=(120, 3))
    numbers = (0, 49, 50, 99, 100, 119)
    seen = [send.seen("click", number, link=1) for number in numbers]
    for _ in range(2):
        told = [send.event("Delivery", number) for number in range(120)]
        world.run("feedback.apply_feedback", batch([*told, *seen, send.event("Delivery", 1, 1)]))

    items = {key: item for key, item in rewind.rows().items() if key[0].startswith("STAT#")}
    assert sorted(sk for _, sk in items) == ["000000", "000000#1", "000000#2", "000001"]
    assert {key[1]: len(item["delivered"]["NS"]) for key, item in items.items()} == {
        "000000": 50, "000000#1": 50, "000000#2": 20, "000001": 1
    }  # fmt: skip
    assert all({int(mark) % 1000 for mark in item["C"]["NS"]} <= set(numbers) for item in items.values() if "C" in item)
    assert send.stats()["clicked"] == set(numbers) and send.stats(1) == {"delivered": {1}, **_hour(send.stats(1))}

    row = Send.fetch(*Send.key(send.tenant, send.send_id))
    assert row is not None
    totals = rollups.compute(send.tenant, row)
    assert (totals["delivered"], totals["clicked"], totals["links"]) == (121, 6, {"1": 6})


def _hour(sets: dict[str, frozenset[int]]) -> dict[str, frozenset[int]]:
    return {name: members for name, members in sets.items() if name[0] == "D"}


def test_what_is_known_of_chunks_is_read_together(world: World) -> None:
    send = sent(sizes=(60, 2))
    world.run("feedback.apply_feedback", batch([send.event("Delivery", 55), send.event("Delivery", 1)]))
    chunks = [Chunk.fetch(*send.place(number).chunk_key) for number in (0, 1)]

    found = stats.of(chunk for chunk in chunks if chunk)
    assert {place: sorted(item["delivered"]["NS"]) for place, item in found.items()} == {send.place(0): ["1", "55"]}


def test_the_first_fifty_are_where_they_always_were() -> None:
    place = Place("ten_acme", "snd_1", 3, 7)
    assert place.stat_keys(50) == [place.stat_key] == [("STAT#ten_acme#snd_1#3", "000007")]
    assert place.stat_keys(51)[1] == place.stat_key_of(50) == ("STAT#ten_acme#snd_1#3", "000007#1")
