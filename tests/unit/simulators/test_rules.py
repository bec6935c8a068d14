"""Pure parts: rendering, the rate, addresses."""

import pytest

from infra.local.simulators.handlebars import RenderingFailure, Template
from infra.local.simulators.publish import batches
from infra.local.simulators.rate import DAY, Quota
from infra.local.simulators.ses_rules import EntryRefused, address, headers, verified


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a {{x}} b", "a <1> b"),
        ("{{{x}}}{{&x}}{{ x }}", "<1><1><1>"),
        ("{{deep.er}}", "down"),
        ("{{n}}/{{none}}/{{yes}}", "1.5//true"),
        ("{{! a note }}end", "end"),
        (r"\{{x}} \\{{x}}", r"{{x}} \<1>"),
        ("{ {x} } }}", "{ {x} } }}"),
        ("", ""),
    ],
)
def test_handlebars(source: str, expected: str) -> None:
    data = {"x": "<1>", "deep": {"er": "down"}, "n": 1.5, "none": None, "yes": True}
    assert Template(source).render(data) == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{gone}}", "Attribute 'gone' is not present in the rendering data."),
        ("{{x.y}}", "Attribute 'x.y' is not present in the rendering data."),
        ("{{#if x}}a{{/if}}", "Unknown helper or expression '#if x' in the template."),
        ("{{upper x}}", "Unknown helper or expression 'upper x' in the template."),
        ("{{}}", "Unknown helper or expression '' in the template."),
        ("open {{x", "Template has an opening {{ without its end."),
    ],
)
def test_handlebars_failures(source: str, message: str) -> None:
    with pytest.raises(RenderingFailure, match="^" + message.replace("(", r"\(").replace("{", r"\{") + "$"):
        Template(source).render({"x": "1"})


def test_the_bucket_refills_and_holds_one_second() -> None:
    quota = Quota(0.0)
    assert [quota.take(1, 2, 100, 0.0) for _ in range(3)] == ["ok", "ok", "rate"]
    assert quota.exhausted(2, 0.4)
    assert quota.take(1, 2, 100, 0.5) == "ok"
    assert [quota.take(1, 2, 100, 60.0) for _ in range(3)] == ["ok", "ok", "rate"]


def test_a_message_to_many_goes_through_and_is_paid_later() -> None:
    quota = Quota(0.0)
    assert quota.take(5, 1, 100, 0.0) == "ok"
    assert quota.take(1, 1, 100, 4.0) == "rate"
    assert quota.take(1, 1, 100, 5.0) == "ok"


def test_the_day_slides() -> None:
    quota = Quota(0.0)
    assert [quota.take(1, 100, 2, at) for at in (0.0, 10.0, 20.0)] == ["ok", "ok", "daily"]
    assert quota.sent(DAY - 1) == 2
    assert quota.take(1, 100, 2, DAY + 1) == "ok"


@pytest.mark.parametrize(
    "good", ["a@b.io", "A.b+c@x-y.example.org", "Ada <ada@b.io>", "o'neil@b.io", "a@xn--mller-kva.de"]
)
def test_addresses(good: str) -> None:
    assert address(good) in good


@pytest.mark.parametrize(
    "bad", ["", "a", "@b.io", "a@", "a@b", "a..b@c.io", ".a@b.io", "a@b..io", "a@-b.io", "é@b.io", None]
)
def test_bad_addresses(bad: str | None) -> None:
    with pytest.raises(EntryRefused):
        address(bad)


def test_a_parent_domain_verifies_its_children_only() -> None:
    assert verified("News <a@mail.example.com>", {"example.com"})
    assert not verified("a@notexample.com", {"example.com"})
    assert verified("me@x.io", {"me@x.io"})


def test_name_and_value_of_a_header_are_bounded_together() -> None:
    assert headers([{"Name": "X", "Value": "v" * 995}])
    with pytest.raises(EntryRefused):
        headers([{"Name": "X-Long", "Value": "v" * 995}])


def test_batches_are_bounded_by_number_and_size() -> None:
    assert list(batches(["a"] * 21)) == [list(range(10)), list(range(10, 20)), [20]]
    assert list(batches(["x" * 200_000, "y" * 100_000, "z"])) == [[0], [1, 2]]
    assert list(batches([])) == []
