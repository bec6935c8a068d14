"""When what happened to a mail is told, and how often: as a script says, the same for the same seed."""

from typing import Any

from infra.local.simulators.mailbox import Mail
from infra.local.simulators.outcomes import REORDER_WITHIN, SCALE, Script, decide

TWO_HOURS = 7_200.0


def told(number: int, **rule: Any) -> list[tuple[float, ...]]:
    """When each event about so many mails is told."""
    script = Script()
    script.add({"seed": 5, **rule})
    mails = (Mail("ses", "m", 0.0, "a@x.io", [f"complaint+{place}@x.io"], "c") for place in range(number))
    return [notice.delays for mail in mails for notice in decide(mail, script, set(), "", 0.0)]


def test_three_copies_come_at_three_times() -> None:
    found = told(50, duplicate=2, reorder=True)

    assert {len(delays) for delays in found} == {3}
    assert all(len(set(delays)) == 3 for delays in found)
    assert all(0 <= delay <= REORDER_WITHIN for delays in found for delay in delays)
    # A mail's second event is told before its first one by the first copies, and now and then by the others.
    assert all(later[0] < first[0] for first, later in zip(found[::2], found[1::2], strict=True))
    assert {later[1] < first[1] for first, later in zip(found[::2], found[1::2], strict=True)} == {True, False}


def test_a_share_comes_two_hours_of_business_time_late() -> None:
    found = [delay for delays in told(1_000, duplicate=2, late_s=TWO_HOURS, late_rate=0.1) for delay in delays]

    late = [delay for delay in found if delay]
    assert set(late) == {TWO_HOURS / SCALE}
    assert 0.08 < len(late) / len(found) < 0.12


def test_of_a_few_addresses_nothing_is_ever_told() -> None:
    found = told(1_000, lose_rate=0.01, duplicate=2)

    lost = [place // 2 for place, delays in enumerate(found) if not delays]
    assert lost[::2] == lost[1::2], "all events about an address, or none"
    assert 3 <= len(lost[::2]) <= 25
    assert told(1_000, lose_rate=0.01, duplicate=2) == found
    assert told(1_000, lose_rate=0.01, duplicate=2, seed=6) != found
