"""Each condition of a write is needed: `python -m tests.soak conditions` takes it away, and a test breaks.

That takes its time. Here a condition that is new is noticed: nobody has tried it yet.
"""

from tests.conditions import book, sites


def test_a_test_breaks_without_each_condition() -> None:
    tried = book.killed().keys() | book.equivalent().keys()

    new = [site.name for site in sites.everywhere() if site.name not in tried]

    assert not new, "take them away once, with: python -m tests.conditions --survivors --keep"


def test_what_nobody_can_miss_is_there_and_has_a_reason() -> None:
    names = {site.name for site in sites.everywhere()}

    assert book.equivalent().keys() <= names
    assert all(len(reason) > 20 for reason in book.equivalent().values())
    assert not book.equivalent().keys() & book.killed().keys()
