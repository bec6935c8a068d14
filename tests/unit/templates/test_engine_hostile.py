"""Templates that try to read, to run for ever, or to fill the memory end in a TemplateError, quickly and small."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Mapping

import pytest
from drumbeat.templates.engine import TemplateError, compile_template

LIMIT_SECONDS = 0.2
LIMIT_BYTES = 64 * 2**20

DATA: Mapping[str, object] = {
    "name": "Ada",
    "long": "x" * 100_000,
    "words": "a " * 60_000,
    "list": [{"id": n, "name": f"n{n}"} for n in range(1000)],
    "nested": [[[["x" * 1000] * 10] * 10] * 10],
    "big": 10**38,
}

# Each must be refused, at compilation or for this data.
PAYLOADS = {
    "loop_300m": "{% for i in (1..300000000) %}x{% endfor %}",
    "loop_blank": "{% for i in (1..300000000) %} {% endfor %}",
    "loop_nested": "{% for i in (1..9999) %}{% for j in (1..9999) %}{% endfor %}{% endfor %}",
    "loop_sequence": "{% for i in (1..9999) %}{% endfor %}" * 100,
    "loop_heavy": "{% for i in (1..9999) %}" + "{% if name == 'x' %}y{% endif %}" * 500 + "{% endfor %}",
    "loop_conditions": "{% for i in (1..9000) %}{% if a " + "or name == 'x' " * 50 + "%}y{% endif %}{% endfor %}",
    "loop_reversed": "{% for i in (1..300000000) reversed %}x{% endfor %}",
    "loop_assign": "{% for i in (1..9999) %}{% assign a = long %}{% endfor %}",
    "loop_contains": "{% for i in (1..9999) %}{% if words contains 'aab' %}y{% endif %}{% endfor %}",
    "loop_equals": "{% for i in (1..9999) %}{% if words == long or list == nested %}y{% endif %}{% endfor %}",
    "loop_offset": "{% for i in (1..9999) %}{% for j in (1..9999) offset:9998 %}{% endfor %}{% endfor %}",
    "loop_limit": "{% for i in (1..9999) %}{% for j in list reversed limit:0 %}{% endfor %}{% endfor %}",
    "tablerow": "{% tablerow i in (1..300000000) cols:1 %}x{% endtablerow %}",
    "range_contains": "{% assign r = (1..300000000) %}{% if r contains 'x' %}y{% endif %}",
    "range_join": "{{ (1..300000000) | join: 'x' }}",
    "range_size": "{{ (1..99999999999999999999999) | size }}",
    "range_sort": "{{ (1..300000000) | sort | first }}",
    "range_reverse": "{{ (1..300000000) | reverse }}",
    "range_sum": "{{ (1..300000000) | sum }}",
    "range_slice": "{{ (1..300000000) | slice: 0, 300000000 }}",
    "range_concat": "{{ list | concat: (1..300000000) | size }}",
    "range_negative": "{% for i in (-300000000..1) %}x{% endfor %}",
    "range_data": "{% for i in (1..big) %}x{% endfor %}",
    "append_doubling": "{% assign a = 'xxxxxxxxxx' %}" + "{% assign a = a | append: a %}" * 40,
    "prepend_doubling": "{% assign a = long %}" + "{% assign a = a | prepend: a %}" * 40,
    "capture_doubling": "{% assign a = 'xxxxxxxxxx' %}" + "{% capture a %}{{ a }}{{ a }}{% endcapture %}" * 40,
    "concat_doubling": "{% assign a = list %}" + "{% assign a = a | concat: a %}" * 40,
    "replace_explosion": "{{ long | replace: 'x', long }}",
    "replace_empty": "{{ long | replace: '', long }}",
    "join_explosion": "{{ words | split: ' ' | join: long }}",
    "split_characters": "{{ long | split: '' | size }}",
    "uniq_quadratic": "{% assign r = (1..9999) | uniq | size %}{{ r }}",
    "newline_growth": "{% assign a = long | replace: 'x', '\n' %}{{ a | newline_to_br | newline_to_br }}",
    "url_growth": "{{ long | replace: 'x', '%' | url_encode | url_encode | url_encode }}",
    "base64_growth": "{{ long" + " | base64_encode" * 40 + " }}",
    "escape_growth": "{{ long | replace: 'x', '&' | url_decode | escape }}",
    "times_power": "{% assign a = 9999999999 %}" + "{% assign a = a | times: a %}" * 40 + "{{ a }}",
    "times_literal": "{{ 10 | times: " + "9" * 600 + " }}",
    "round_digits": "{{ '1e999' | plus: 0 | ceil }}",
    "date_width": "{{ 'now' | date: '%1000000000d' }}",
    "date_long": "{{ '2026-01-01' | date: '" + "%A" * 400 + "' }}",
    "output_10mb": "{% for i in (1..9000) %}{{ long }}{% endfor %}",
    "output_many": "".join(f"{{{{ long | append: '{n}' }}}}" for n in range(100)),
    "output_data": "{{ nested }}{{ nested | join: long }}",
    "filter_chain": "".join("{{ long" + " | upcase" * 100 + " }}" for _ in range(500)),
    "recursion_path": "{{ " + "a[" * 300 + "0" + "]" * 300 + " }}",
    "recursion_condition": "{% if " + "a or " * 150 + "a %}x{% endif %}{% if" + " a and" * 9000 + " a %}{% endif %}",
    "recursion_blocks": "{% if a %}" * 2000 + "{% endif %}" * 2000,
    "include": "{% include '/etc/passwd' %}",
    "render": "{% render 'self' %}",
    "extends": "{% extends 'base' %}",
    "unclosed_output": "{{ a " * 50_000,
    "unclosed_tags": "{% raw %}" * 50_000,
    "unclosed_comment": "{% comment %}" * 30_000,
    "unclosed_spaces": "{% a" + " " * 400_000,
    "spaces": ("{{" + " " * 900 + "a }}") * 500,
    "brackets": "{% case a %}" + ("{% when a, " + "(" * 900 + " %}") * 400 + "{% endcase %}",
    "quotes": "{% case a %}" + ("{% when a, " + "[\"a" * 300 + " %}") * 400 + "{% endcase %}",
    "many_tags": "{{ a }}" * 60_000,
    "large": "x" * 10_000_000,
    "attr_filter": "{{ name | attr: '__class__' }}",
    "format_filter": "{{ '{0.__class__.__mro__}' | format: name }}",
    "safe_filter": "{{ name | safe }}",
    "break_outside": "{% break %}",
    "noncharacter": "a\ufdd0b",
}  # fmt: skip


def attempt(source: str) -> None:
    compile_template("subject", source, "text").render(DATA)


@pytest.mark.parametrize("name", PAYLOADS)
def test_payload_ends_in_an_error_within_time_and_memory(name: str) -> None:
    source = PAYLOADS[name]

    began = time.process_time()
    with pytest.raises(TemplateError) as caught:
        attempt(source)
    seconds = time.process_time() - began
    tracemalloc.start()
    try:
        with pytest.raises(TemplateError):
            attempt(source)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert caught.value.field == "html"
    assert caught.value.message
    assert len(str(caught.value)) < 2000
    assert seconds < LIMIT_SECONDS
    assert peak < LIMIT_BYTES


@pytest.mark.parametrize(
    "source",
    [
        "{{ name.__class__ }}",
        "{{ name.__class__.__mro__ }}",
        "{{ list.append }}",
        "{{ list[0].__init__.__globals__ }}",
        "{{ name['__class__'] }}",
        "{{ self }}{{ context }}{{ environment }}{{ template }}",
        "{% for i in list limit:1 %}{{ forloop.it }}{{ forloop.__class__ }}{{ forloop._keys }}{% endfor %}",
        "{% for i in list limit:1 %}{{ forloop }}{{ forloop.parentloop }}{% endfor %}",
        "{{ name | map: '__class__' }}",
        "{{ list | map: '__class__' | first }}",
        "{{ list | where: '__class__' | first }}",
        "{{ nothing.at.all }}",
        "{{ list[0] }}",
        "{{ empty }}{{ blank }}{{ nil }}",
    ],
)
def test_attribute_walks_find_nothing(source: str) -> None:
    html = compile_template("s", source, "t", track_opens=False, ensure_footer=False).preview(DATA).html

    assert html == ""


@pytest.mark.parametrize(
    "html",
    ["<a href=\"" * 20_000, "<!--" * 100_000, "<!" * 200_000, "<a '\"" * 80_000, "<style>" * 60_000, "<" * 400_000,
     "&" * 400_000, "<a " + "x=" * 200_000, "<a" + " " * 400_000, "</body" * 70_000, "<a href=x>" * 40_000,
     "<a href='https://h.example/?a={{ a }}'>" * 4_000],
)  # fmt: skip
def test_broken_html_is_read_in_linear_time(html: str) -> None:
    began = time.process_time()
    compile_template("s", html)

    assert time.process_time() - began < 4


def test_strip_html_of_hostile_values_is_linear() -> None:
    compiled = compile_template("s", "{{ a | strip_html | size }}", "t")
    began = time.process_time()
    for value in ("<!--" * 60_000, "<!" * 100_000, "<a '\"" * 40_000, "<style>" * 30_000):
        compiled.render({"a": value})

    assert time.process_time() - began < 1
