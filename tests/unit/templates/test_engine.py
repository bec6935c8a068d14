"""The template engine: what a recipient gets, and that preview and sending are the same code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from drumbeat.templates.engine import Compiled, Link, TemplateError, compile_template, resolve_link
from drumbeat.templates.lint import Source, lint
from hypothesis import given, settings
from hypothesis import strategies as st

SENDER: Mapping[str, object] = {
    "click_base": "https://t.example/c/TOKEN",
    "open_url": "https://t.example/o/TOKEN",
    "unsubscribe_url": "https://t.example/u/TOKEN?a=1&b=2",
    "preferences_url": "https://t.example/p/TOKEN",
    "postal_address": "1 High Street, Dhaka",
    "now": datetime(2026, 11, 20, 20, 0, tzinfo=UTC),
    "timezone": "Asia/Dhaka",
    "currency": "BDT",
}


def bare(html: str, subject: str = "s", text: str = "t") -> Compiled:
    return compile_template(subject, html, text, track_links=False, track_opens=False, ensure_footer=False)


def html_of(source: str, **data: object) -> str:
    return bare(source).preview({**SENDER, **data}).html


def as_ses(template: str, values: Mapping[str, str]) -> str:
    """What SES's Handlebars does with the syntax that we send, from its lexer's rules: \\{{ escapes, {{{ is raw."""
    out, position = [], 0
    for match in re.finditer(r"(\\*)(\{\{\{?)([^{}]*)(\}\}\}?)", template):
        assert match[1] == ""
        assert (match[2], match[4]) == ("{{", "}}")
        out += [template[position : match.start()], values[match[3]]]
        position = match.end()
    rest = template[position:]
    assert "{{" not in rest
    return "".join(out) + rest


def test_values_are_escaped_in_html_only() -> None:
    mail = bare("<p>{{ n }}</p>", "{{ n }}", "{{ n }}").preview({"n": "<b>&\"'</b>"})

    assert mail.html == "<p>&lt;b&gt;&amp;&#34;&#39;&lt;/b&gt;</p>"
    assert mail.subject == mail.text == "<b>&\"'</b>"


def test_a_subject_stays_one_line() -> None:
    mail = compile_template("Hi\n{{ n }}!{% raw %}\r\nX: y{% endraw %}", "h").preview(
        {**SENDER, "n": "A\r\nBcc: x@example.com\u2028\x00"}
    )

    assert mail.subject == "Hi A Bcc: x@example.com ! X: y"


def test_assignments_reach_later_nodes_of_their_part_only() -> None:
    source = "{% assign a = n | upcase %}{{ a }}{% capture c %}[{{ n }}]{% endcapture %}{{ c }}{{ c }}"

    mail = bare(source, "{{ a }}", "{{ c }}").preview({"n": "<x>"})

    assert mail.html == "&lt;X&gt;[&lt;x&gt;][&lt;x&gt;]"
    assert (mail.subject, mail.text) == ("", "")


def test_equal_outputs_share_a_fragment_unless_assigned() -> None:
    assert len(bare("{{ a }}{{ a }}{{ a | upcase }}").render({"a": 1})) == 2
    assert html_of("{{ a }}{% assign a = 2 %}{{ a }}", a=1) == "12"


def test_unicode_survives() -> None:
    assert html_of("{{ n }} আপনাকে স্বাগতম 🎉", n="রহিম 👩🏽‍🚀") == "রহিম 👩🏽‍🚀 আপনাকে স্বাগতম 🎉"
    assert html_of("{{ n }}", n="a\ud800b\x00c") == "a b c"
    json.dumps(bare("{{ n }}").render({"n": "\udfff"})).encode()


@pytest.mark.parametrize(
    "source",
    [
        "{% raw %}{{ x }}{% endraw %}",
        "{% raw %}{{{{% endraw %}{{ a }}{% raw %}}}}{% endraw %}",
        "{{{ a }}} \\{{ a }} \\\\{{ a }}}",
        "{ {{ a }}}{% raw %}\\{{% endraw %}{{ a }}",
        "a{b}c}}d{{ a }}{e",
    ],
)
def test_braces_survive_the_templates_of_ses(source: str) -> None:
    if source.startswith("{{{"):
        source = source.replace("{{{ a }}}", "{ {{ a }}}")
    compiled = bare(source, "s{% raw %}{{y{% endraw %}", source)
    values = compiled.render({"a": "{{f0}}"})

    mail = compiled.preview({"a": "{{f0}}"})

    expected = re.sub(r"\{%-? *(raw|endraw) *%\}", "", re.sub(r"(?<!\{)\{\{ a \}\}", "{{f0}}", source))
    assert as_ses(compiled.html, values) == mail.html == expected
    assert as_ses(compiled.text, values) == mail.text
    assert mail.subject == "s{{y"


PIECES = ["{", "}", "\\", "x", "\n", "{% raw %}{{{% endraw %}", "{{ a }}", "{% if b %}{z{% endif %}"]


@given(st.lists(st.sampled_from(PIECES)), st.text(max_size=20))
@settings(deadline=None)
def test_preview_is_what_ses_makes_of_the_fragments(parts: list[str], value: str) -> None:
    source = "".join(parts)
    try:
        compiled = bare(source)
    except TemplateError:
        return  # pieces that happened to form a broken tag
    data = {"a": value, "b": True}

    values = compiled.render(data)

    assert values == compiled.render(data) == bare(source).render(data)
    assert as_ses(compiled.html, values) == compiled.preview(data).html


@given(st.text(max_size=200).filter(lambda text: not re.search("[\ufdd0-\ufdd2]", text)))
@settings(deadline=None)
def test_raw_text_arrives_as_written(text: str) -> None:
    if re.search(r"\{%-?\s*endraw", text):
        return
    html = bare("{% raw %}" + text + "{% endraw %}").preview({}).html

    assert html == re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]", " ", text)


CHAINS = [
    "", " | upcase", " | append: n", " | split: ',' | join: ';'", " | squish", " | truncate: 9", " | replace: 'a', n",
    " | url_decode", " | escape_once", " | newline_to_br | strip_newlines", " | base64_encode | base64_decode",
    " | slice: 1, 9", " | prepend: '&' | strip_html",
]  # fmt: skip


@given(st.text(max_size=200), st.sampled_from(CHAINS))
@settings(deadline=None)
def test_no_filter_lets_markup_through(value: str, filters: str) -> None:
    html = html_of(
        "{% capture c %}{{ n }}{% endcapture %}{{ n" + filters + " }}|{{ c" + filters + " }}", n=f"<i>{value}"
    )

    assert not re.search(r"[<>\"']", html.replace("<br />", "").replace("<br", ""))


def test_links_are_numbered_tracked_and_resolved() -> None:
    compiled = compile_template(
        "s",
        '<a class="b" href="https://shop.example/?x=1&amp;y={{ city }}">A</a><a href=\'https://shop.example/b\'>B</a>'
        '<a href="mailto:a@b.c">C</a><a href="tel:1">D</a><a href="#x">E</a>'
        '<a href="https://{{ h }}/" data-no-track>F</a><a href="{{ unsubscribe_url }}">G</a>',
        "See https://shop.example/b. Or https://other.example/?q={{ city | url_encode }}, "
        "or https://shop.example/?x=1&y={{ city }}",
    )
    mail = compiled.preview({**SENDER, "h": "h.example"})

    assert compiled.links == (
        Link(1, "https://shop.example/?x=1&y={{ city }}"),
        Link(2, "https://shop.example/b"),
        Link(3, "https://other.example/?q={{ city }}"),
    )
    hrefs = re.findall(r'href="([^"]*)"', mail.html)
    base = "https://t.example/c/TOKEN"
    unsubscribe = "https://t.example/u/TOKEN?a=1&amp;b=2"
    assert hrefs == [f"{base}/1", f"{base}/2", "mailto:a@b.c", "tel:1", "#x", "https://h.example/", unsubscribe]
    assert mail.text.startswith(f"See {base}/2. Or {base}/3, or {base}/1")
    assert resolve_link(compiled.links[0].url_template, {"city": "a&b=ঢা/"}) == (
        "https://shop.example/?x=1&y=a%26b%3D%E0%A6%A2%E0%A6%BE%2F"
    )
    assert resolve_link(compiled.links[1].url_template, {}) == "https://shop.example/b"


def test_a_link_in_a_loop_carries_its_own_values() -> None:
    compiled = compile_template(
        "s",
        '{% for p in items %}<a href="https://shop.example/p?id={{ p.id }}&c={{ cid }}">{{ p.id }}</a>{% endfor %}',
        "t",
    )
    html = compiled.preview({**SENDER, "items": [{"id": "a b&c"}, {"id": "d"}], "cid": 9}).html

    assert re.findall(r'href="([^"]*)"', html)[:2] == [
        "https://t.example/c/TOKEN/1?v0=a+b%26c",
        "https://t.example/c/TOKEN/1?v0=d",
    ]
    target = resolve_link(compiled.links[0].url_template, {"cid": 9, "carried": {"v0": "a b&c"}})
    assert target == "https://shop.example/p?id=a%20b%26c&c=9"


@pytest.mark.parametrize(
    ("href", "words"),
    [
        ("https://{{ host }}/", "only after the ?"),
        ("https://shop.example/{{ path }}?a=1", "only after the ?"),
        ("https://shop.example/?a=1#{{ part }}", "only after the ?"),
        ("https://shop.example/?a={% if a %}1{% endif %}", "around the link"),
        ("{{ url }}", "needs its host"),
        ("{% if a %}https://a.example{% endif %}", "around the element"),
        ("java{{ rest }}", "begin it with https"),
        ("https:///x", "not a web address"),
        ("https://a.example\\@b.example/", "not a web address"),
    ],
)
def test_a_link_that_cannot_be_tracked_is_named(href: str, words: str) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template("s", f'<p>\n<a href="{href}">x</a>', "t")

    assert caught.value.field == "html"
    assert caught.value.line == 2
    assert words in caught.value.message
    assert href in caught.value.message


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", " JaVa\tscript:x", "data:text/html,x", "vbscript:x", "", "//e\x00"]
)
def test_addresses_from_data_keep_to_safe_schemes(url: str) -> None:
    source = '<a href="{{ u }}" data-no-track>x</a><img src={{ u }}><a href="{{ u }}{{ u }}" data-no-track>y</a>'
    html = html_of(source, u=url)

    assert not re.search(r'="\s*(?:javascript|data|vbscript)', html, re.IGNORECASE)
    assert re.findall(r'(?:href|src)="([^"]?)', html) == (["/"] * 3 if url.startswith("/") else ["#"] * 3)


def test_unquoted_attributes_are_quoted() -> None:
    assert html_of("<td width={{ w }}>", w="1 onclick=x") == '<td width="1 onclick=x">'


def test_footer_and_pixel_are_added_where_they_lack() -> None:
    compiled = compile_template("s", "<body>Hi</BODY>", "Hi", language="bn")
    mail = compiled.preview(SENDER)

    assert compiled.added == {"unsubscribe_url", "postal_address"}
    assert re.search(
        r"Hi<p .*1 High Street, Dhaka.*/u/TOKEN.*বাতিল.*<img src=\"https://t.example/o/TOKEN\".*</BODY>", mail.html
    )
    assert "1 High Street, Dhaka" in mail.text
    assert "https://t.example/u/TOKEN?a=1&b=2" in mail.text


def test_footer_is_not_doubled_but_a_conditional_one_does_not_count() -> None:
    own = '{{ postal_address }} <a href="{{ unsubscribe_url }}">out</a>'

    assert compile_template("s", own, "{{ postal_address }}{{ unsubscribe_url }}").added == frozenset()
    assert compile_template("s", "{% if vip %}" + own + "{% endif %}").added == {"unsubscribe_url", "postal_address"}
    assert compile_template("s", f"<!-- {own} -->").added == {"unsubscribe_url", "postal_address"}


def test_a_footer_for_outlook_is_none_for_the_others() -> None:
    footer = '<a href="{{ unsubscribe_url }}">Out</a> {{ postal_address }}'

    assert compile_template("s", f"<p>x</p><!--[if mso]>{footer}<![endif]-->").added == {
        "unsubscribe_url", "postal_address",
    }  # fmt: skip
    assert compile_template("s", f"<p>x</p><!--[if !mso]><!-->{footer}<!--<![endif]-->").added == frozenset()


def test_the_text_is_neither_for_outlook_nor_full_of_blank_lines() -> None:
    html = (
        '<p>Hi</p>{% if a %}<p>A</p>{% endif %}<!--[if mso]><b>box</b>{% cycle "x", "y" %}<![endif]-->'
        "{% for b in list %}<p>{{ b }}</p>{% endfor %}<!--[if !mso]><!--><p>Bye</p><!--<![endif]-->"
    )
    compiled = compile_template("s", html, ensure_footer=False)

    assert compiled.preview({"a": True, "list": [1, 2], **SENDER}).text == "Hi\n\nA\n\n1\n\n2\n\nBye\n"
    assert compiled.preview(SENDER).text == "Hi\n\nBye\n"


def test_tracking_can_be_off() -> None:
    mail = compile_template("s", '<a href="https://a.example/">x</a>', track_links=False, track_opens=False).preview(
        SENDER
    )

    assert 'href="https://a.example/"' in mail.html
    assert "<img" not in mail.html
    assert "x (https://a.example/)" in mail.text


def test_text_is_derived_from_html() -> None:
    html = """<html><head><title>T</title><style>p{}</style>{% assign who = name %}</head><body><h1>Hello {{ who }}</h1>
      <p>Tom &amp; Jerry<br>next</p><ul><li>One</li><li><b>Two</b></li></ul>
      {% if vip %}<p>Thanks</p>{% endif %}<a href="https://a.example/" data-no-track>site</a><script>x</script>"""
    text = compile_template("s", html, ensure_footer=False).preview({"name": "A<B", "vip": True}).text

    assert " ".join(text.split()) == "Hello A<B Tom & Jerry next - One - Two Thanks site (https://a.example/)"
    assert "Hello A<B\n\nTom & Jerry\nnext\n\n- One\n- Two\n" in text


@pytest.mark.parametrize(
    ("source", "data", "expected"),
    [
        ("{{ n | default: 'friend' }}", {}, "friend"),
        ("{{ n | capitalize }}", {"n": "aDA"}, "Ada"),
        ("{{ 'now' | date: '%Y-%m-%d %H:%M' }}", {}, "2026-11-21 02:00"),
        ("{{ d | date: '%-d %B %Y' }}", {"d": "2026-01-05"}, "5 January 2026"),
        ("{{ d | date: '%H:%M', timezone: 'Europe/Berlin' }}", {"d": "2026-07-01T10:00:00Z"}, "12:00"),
        ("{{ d | date: '%Y', timezone: '../../etc/passwd' }}", {"d": 0}, "1970"),
        ("{{ d | date }}", {"d": "soon"}, "soon"),
        ("{{ p | money }}", {"p": "1250000.5"}, "৳12,50,000.50"),
        ("{{ p | money: 'USD' }}", {"p": Decimal("-1234.555")}, "-$1,234.56"),
        ("{{ p | money: 'JPY' }}", {"p": 1234}, "¥1,234"),
        ("{{ p | money: 'XYZ' }}", {"p": 12}, "12.00 XYZ"),
        ("{{ p | money }}", {"p": "free"}, "free"),
        ("{{ p | times: 2 | plus: 1 }}", {"p": 2}, "5"),
        ("{{ t }}|{{ f }}|{{ n }}", {"t": True, "f": 1.5, "n": None}, "true|1.5|"),
        ("{{ l }}|{{ o }}", {"l": [1, "<"], "o": {"a": 1}}, "1&lt;|"),
    ],
)  # fmt: skip
def test_filters_for_marketing(source: str, data: dict[str, object], expected: str) -> None:
    assert html_of(source, **data) == expected


@pytest.mark.parametrize(
    ("field", "source", "line", "words"),
    [
        ("html", "a\nb {% if x %}", 2, "endif"),
        ("html", "a\n\n{{ x | nope }}", 3, "no filter 'nope'"),
        ("subject", "{{ x", 1, "no }}"),
        ("text", "a\n{% render 'x' %}", 2, "not available"),
        ("html", "a\n{% for x %}{% endfor %}", 2, "expected"),
        ("text", "{% endif %}", 1, "no block is open"),
    ],
)
def test_errors_name_field_line_and_remedy(field: str, source: str, line: int, words: str) -> None:
    parts: dict[str, str] = {"subject": "s", "html": "h", "text": "t"} | {field: source}
    with pytest.raises(TemplateError) as caught:
        compile_template(parts["subject"], parts["html"], parts["text"])

    assert (caught.value.field, caught.value.line) == (field, line)
    assert words in caught.value.message


def test_a_failure_for_one_recipient_names_its_place() -> None:
    compiled = bare("a\n{{ 1 | divided_by: n }}")
    with pytest.raises(TemplateError) as caught:
        compiled.render({"n": 0})

    assert caught.value.line == 2
    assert compiled.preview({"n": 1}).html == "a\n1"


def test_variables_and_lint() -> None:
    html = "{% for p in items %}{{ p.id }}{{ contact.city }}{{ shop }}{% endfor %}"
    compiled = compile_template("{{ name }}", html)

    assert {"name", "items", "contact.city", "shop"} <= compiled.variables
    findings = lint(compiled, {"name", "items", "contact.city"}, Source("html", html, "{{ name }}"))
    assert {(f.name, f.severity) for f in findings if f.severity != "hint"} == {
        ("unknown_variable", "warning"), ("missing_unsubscribe", "warning"), ("missing_postal_address", "warning"),
    }  # fmt: skip
    assert "shop" in next(f.message for f in findings if f.name == "unknown_variable")
    heavy = "x" * 103_000
    without = lint(compile_template("s", heavy, ensure_footer=False), set(), Source("html", heavy, "s"))
    assert [f.name for f in without if f.severity != "hint"] == [
        "missing_unsubscribe", "missing_postal_address", "heavy_mail",
    ]  # fmt: skip
    assert without[0].severity == "error"


def test_a_template_larger_than_ses_takes_is_refused() -> None:
    with pytest.raises(TemplateError, match="limit of SES"):
        compile_template("x" * 200_000, "<p>" + "অ" * 160_000, "অ" * 160_000)


def test_plain_links_resolve_without_liquid() -> None:
    code = (
        "import sys; from drumbeat.templates.links import resolve_link; "
        "assert resolve_link('https://a.example/', {}); assert 'liquid' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
