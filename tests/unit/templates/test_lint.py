"""Findings have a name, a place, and say what to do."""

import time
from typing import Any

import pytest
from drumbeat.templates import checks
from drumbeat.templates.checks import Written
from drumbeat.templates.lint_html import MOST

GOOD = """<!doctype html><html><head><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"></head><body><div style="display:none">What is in it</div>
<p style="max-width:600px">Hello, here is what is new this week.</p>
<a href="https://shop.example/">Shop</a> <img src="https://cdn.example/a.png" alt="A lamp" width="300">
<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>"""


def found(html: str | None = GOOD, subject: str = "News", **more: Any) -> dict[str, tuple[str, str | None, int | None]]:
    written = Written(subject, **{"html": html, **more})
    body = checks.prepared(written, "en")
    compiled = checks.compiled(body, "en", lambda name: None, checks.given(()))
    return {it.name: (it.severity, it.field, it.line) for it in checks.findings(compiled, written, ())}


def test_a_good_mail_has_no_findings() -> None:
    assert found() == {}


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("https://shop.example/", "/sale", ("broken_link", "error", 4)),
        ("https://shop.example/", "www.shop.example", ("broken_link", "error", 4)),
        ("https://shop.example/", "#", ("broken_link", "error", 4)),
        ("https://shop.example/", "", ("broken_link", "error", 4)),
        ("https://shop.example/", "htps://shop.example/", ("broken_link", "error", 4)),
        ("https://cdn.example/a.png", "a.png", ("broken_image", "error", 4)),
        ("https://cdn.example/a.png", "http://cdn.example/a.png", ("insecure_image", "warning", 4)),
        (' alt="A lamp"', "", ("image_without_alt", "warning", 4)),
        ("{{ postal_address }} ", "", ("missing_postal_address", "warning", None)),
        ('<a href="{{ unsubscribe_url }}">Unsubscribe</a>', "", ("missing_unsubscribe", "warning", None)),
        ("Hello, here", "Hello {{ nickname }}, here", ("unknown_variable", "warning", 3)),
        ("<p>{{", "<div><b>Bye</div><p>{{", ("unclosed_tag", "warning", 5)),
        ("this week.", "this week." + "x" * 110_000, ("heavy_mail", "warning", None)),
        ('<div style="display:none">What is in it</div>', "", ("no_preheader", "hint", None)),
        ('<meta name="viewport" content="width=device-width">', "", ("no_viewport", "hint", None)),
        ('<meta name="color-scheme" content="light dark">', "", ("no_dark_mode", "hint", None)),
        ('width="300"', 'width="900"', ("too_wide", "warning", None)),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(old: str, new: str, finding: tuple[str, str, int | None]) -> None:
    assert old in GOOD
    name, severity, line = finding

    assert found(GOOD.replace(old, new)) == {name: (severity, "html", line)}


@pytest.mark.parametrize(
    ("subject", "finding"),
    [
        ("BUY NOW AND SAVE", "spammy_subject"), ("Really???", "spammy_subject"), ("Re: your order", "spammy_subject"),
        ("It is 100% free", "spammy_subject"), ("a" * 80, "long_subject"), ("{{ nickname }}", "unknown_variable"),
    ],
)  # fmt: skip
def test_subjects(subject: str, finding: str) -> None:
    assert {name: place[1:] for name, place in found(subject=subject).items()} == {finding: ("subject", 1)}


def test_many_findings_are_cut_and_come_soon() -> None:
    began = time.process_time()
    written = Written("News", html=GOOD + "".join(f"{{{{ v{number} }}}}" for number in range(4_000)))
    compiled = checks.compiled(checks.prepared(written, "en"), "en", lambda name: None, checks.given(()))

    assert len(checks.findings(compiled, written, ())) == MOST
    assert time.process_time() - began < 8


def test_pictures_alone_are_no_mail() -> None:
    html = '<img src="https://cdn.example/a.png" alt="">{% if x %}<div>{% else %}<div class="b">{% endif %}</div>'

    assert {"only_images", "missing_text"} <= set(found(html))
    assert "unclosed_tag" not in found(html)
    assert "missing_text" in found(text=" ")


def test_findings_of_mjml_are_in_its_lines() -> None:
    source = """<mjml><mj-body><mj-section><mj-column>
<mj-button href="/sale">Sale</mj-button>
<mj-image src="https://cdn.example/a.png" />
<mj-text>{{ nickname }}, this is long enough to be a mail of words. {{ postal_address }}
<a href="{{ unsubscribe_url }}">Unsubscribe</a></mj-text></mj-column></mj-section></mj-body></mjml>"""

    mails = found(html=None, mjml=source)

    assert {name: place for name, place in mails.items() if place[0] != "hint"} == {
        "broken_link": ("error", "mjml", 2), "image_without_alt": ("warning", "mjml", 3),
        "unknown_variable": ("warning", "mjml", 4),
    }  # fmt: skip
