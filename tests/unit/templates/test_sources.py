"""MJML, inlined styles and blocks: what an author wrote in Liquid comes out of them as it went in."""

import itertools
import random
import re
import time

import pytest
from drumbeat.templates import expansion, inlining, mjml
from drumbeat.templates.expansion import Block
from drumbeat.templates.limits import TemplateError
from drumbeat.templates.source import mask

# `[p]` is an output, `[o]` … `[c]` a block.
MJML = """<mjml><mj-head><mj-preview>[p] text</mj-preview><mj-style>.a { color: [p] }</mj-style></mj-head><mj-body>
[o]<mj-section background-color="[p]"><mj-column css-class="[p] b"><mj-text>Hi [p] <a href="https://x.example/?a=[p]">a
</a><br>[o]<div class="[p]">[c]</div></mj-text>
<mj-button href="[p]">[p]</mj-button><mj-image src="[p]" alt="[p]" /></mj-column></mj-section>[c]
<mj-section>[o]<mj-column width="50%"><mj-raw>[o]<tr><td>[p]</td></tr>[c]</mj-raw></mj-column>[c]</mj-section>
<mj-section><mj-column><mj-table>[o]<tr><td>[p]</td></tr>[c]</mj-table></mj-column></mj-section></mj-body></mjml>"""
HTML = """<html><head><style>.a, td { color: red; margin: 0 } .c { width: [p] } [o].d { top: 0 }[c]
.e { [o]left: 0;[c] } @media (max-width: 400px) { .a { color: [p]; top: 0 } }</style></head><body>
<table>[o]<tr><td class="a" style="color: [p]; [o]left: 0;[c]">[p]</td></tr>[c]</table>[o]<div class="a">[c]<p class=c>
[p]<!-- [p] --><!--[if mso]><td class="a">[p]</td><![endif]--></div><a class='a [p]' href='[p]'>[p]</a></body></html>"""
OUTPUTS = (
    "{{ n%d }}", '{{ n%d | default: "a \\" < > & b" }}', "{{- n%d.x['y z'] | append: '</p>' -}}",
    "{{ 'বাংলা 👨‍👩‍👧 %d' | upcase }}", "{{n%d\n| date: 'Y'}}",
)  # fmt: skip
BLOCKS = (
    ("{%% if n%d < 3 and b > '<' %%}", "{% endif %}"), ("{%%- for p in n%d limit: 3 -%%}", "{%- endfor -%}"),
    ("{%% unless n%d == \"'\" %%}", "{% else %}x{% endunless %}"),
    ("{%% case n%d %%}{%% when 1 %%}", "{% endcase %}"),
)  # fmt: skip


def _filled(frame: str, seed: int) -> str:
    """The frame with different Liquid at each of its places."""
    chance, numbers = random.Random(seed), itertools.count()
    closing: list[str] = []

    def liquid(match: re.Match[str]) -> str:
        if match[1] == "c":
            return closing.pop()
        if match[1] == "p":
            return str(chance.choice(OUTPUTS) % next(numbers))
        opens, closes = chance.choice(BLOCKS)
        closing.append(closes)
        return str(opens % next(numbers))

    return re.sub(r"\[([poc])\]", liquid, frame)


def _liquid(source: str) -> list[str]:
    return [token.source for token in mask("html", source).tokens]


@pytest.mark.parametrize("seed", range(12))
def test_liquid_survives_mjml(seed: int) -> None:
    source = _filled(MJML, seed)

    html = mjml.to_html(source)

    written, kept = _liquid(source), _liquid(html)
    assert set(written) == set(kept)
    assert [one for one in kept if one.startswith("{%")] == [one for one in written if one.startswith("{%")]


@pytest.mark.parametrize("seed", range(12))
def test_liquid_and_everything_else_survives_inlining(seed: int) -> None:
    source = _filled(HTML, seed)

    html = inlining.inline(source)

    # Nothing but style attributes and the weight of media queries has changed.
    def without(text: str) -> str:
        return re.sub(r"""\sstyle=("[^"]*"|'[^']*')""", "", text).replace(" !important", "")

    plain = mask("html", source)
    made = mask("html", html)
    assert without(made.restore(without(made.text))) == without(plain.restore(without(plain.text)))
    assert [one for one in _liquid(html) if one.startswith("{%")] == [
        one for one in _liquid(source) if one.startswith("{%")
    ]


def test_styles_are_inlined_and_media_queries_kept() -> None:
    source = """<html><head><style>.a { color: red; font-family: "A B" } .a:hover { color: blue } .b { margin: {{ m }} }
@media (max-width: 400px) { .a { font-size: 16px } }</style></head><body><table>{% for p in products %}
<tr><td class="b"><p class="a" style='color:green'>{{ p.name }}</p><p class=a>x</p></td></tr>{% endfor %}</table>
</body></html>"""

    made = inlining.inline(source)

    assert """<p class="a" style="color: red;font-family: 'A B';color:green">{{ p.name }}</p>""" in made
    assert """<p class=a style="color: red;font-family: 'A B';">x</p>""" in made
    assert '<td class="b" style="margin: {{ m }};">' in made
    assert ".a:hover { color: blue }" in made
    assert "@media (max-width: 400px) { .a { font-size: 16px  !important} }" in made
    assert inlining.inline("<p class=a>{{ x }}</p>") == "<p class=a>{{ x }}</p>"


MISTAKES = {
    "<mjml><mj-body>\n<mj-sectoin></mj-sectoin></mj-body></mjml>": (2, "<mj-sectoin>: there is no such element"),
    "<mjml><mj-body>\n<mj-section></mj-body></mjml>": (2, "<mj-section> of line 2 is still open"),
    "<mjml><mj-body><mj-section>\n\n<mj-text>x</mj-text></mj-section></mj-body></mjml>": (3, "belongs into"),
    "<mjml><mj-body>\n<mj-include path='/etc/passwd' /></mj-body></mjml>": (2, "nothing can be included"),
    "<p>Hi</p>": (1, "an MJML document is <mjml>"),
    "<mjml><mj-body><mj-section>\n<mj-column width='{{ w }}'></mj-column></mj-section></mj-body></mjml>": (2, "drops"),
    "<mjml><mj-body>\n<mj-section a b='c'd></mj-section></mj-body></mjml>": (None, "write every attribute"),
    "<mjml>\n{% if x %}<mj-body></mj-body>{% endif %}</mjml>": (1, "unexpected token"),
    "<mjml><mj-body>\n{% if x %}</mj-body></mjml>": (2, "is not closed"),
}  # fmt: skip


@pytest.mark.parametrize("source", MISTAKES)
def test_mistakes_in_mjml_have_their_line(source: str) -> None:
    line, sentence = MISTAKES[source]

    with pytest.raises(TemplateError) as refused:
        mjml.to_html(source)

    assert (refused.value.field, refused.value.line) == ("mjml", line)
    assert sentence in refused.value.message


def _expanded(source: str, block: str, field: str = "html") -> str:
    found = {"it": Block(block, block)}
    return expansion.expand(field, source, found.get)


def test_arguments_stand_for_their_names() -> None:
    block = "<a href=\"{{ url }}?x={{ n }}\">{{ label | upcase }}</a>{% if label == 'x' %}{{ item.name }}{% endif %}"

    made = _expanded(
        '{% render "it", url: "https://a.example/?a=1&b", label: product.name, n: 3, item: product %}', block
    )

    assert made == (
        '<a href="https://a.example/?a=1&amp;b?x={{ 3 }}">{{ product.name | upcase }}</a>'
        "{% if product.name == 'x' %}{{ product.name }}{% endif %}"
    )


def test_names_that_a_block_binds_are_its_own() -> None:
    block = (
        "{% for p in things limit: n %}{{ p.name }}{{ forloop.index }}{% endfor %}{% assign n = n | plus: 1 %}{{ n }}"
    )

    made = _expanded('{% assign p = 1 %}{% render "it", things: p, n: 2 %}', block)

    assert made == (
        "{% assign p = 1 %}{% assign block1_n = 2 %}{% for block1_p in p limit: block1_n %}{{ block1_p.name }}"
        "{{ forloop.index }}{% endfor %}{% assign block1_n = block1_n | plus: 1 %}{{ block1_n }}"
    )


@pytest.mark.parametrize(
    ("tag", "sentence"),
    [
        ('{% render "nope" %}', "there is no block 'nope'"), ("{% render it %}", 'write {% render "name" %}'),
        ('{% render "it", a: b | upcase %}', "an argument is a name"), ('{% render "it", for: 1 %}', "an argument is"),
        ('{% render "../it" %}', 'write {% render "name" %}'), ('{% render "it" %}' * 51, "more than 50 blocks"),
    ],
)  # fmt: skip
def test_blocks_that_cannot_be(tag: str, sentence: str) -> None:
    with pytest.raises(TemplateError) as refused:
        _expanded(f"<p>\n{tag}", "x")

    assert (refused.value.line, sentence in refused.value.message) == (2, True)


def test_lines_of_a_mail_are_those_of_its_template() -> None:
    source = "1\n{% render 'it' %}\n3\n{% if x\n %}5{% endif %}"
    place = expansion.lines_of("html", source, {"it": Block("a\nb\nc", "")}.get)

    assert [place(line) for line in range(1, 8)] == [1, 2, 2, 2, 3, 4, 5]


DEEP = {
    "elements": "<style>p { color: red }</style>" + "<div>" * 50_000,
    "misnested": "<style>p { color: red }</style>" + "<b></i>" * 9_000,
    "paragraphs": "<style>p { color: red }</style>" + "<p><b>" * 9_000,
    "rules": "<style>" + ".a { top: 0 }" * 20_000 + "</style>",
    "statements": f"<style>{';' * 290_000}</style>",
    "a long value for many": f"<style>i {{ font-family: '{'x' * 200_000}' }}</style>" + "<i></i>" * 9_000,
}


@pytest.mark.parametrize("name", DEEP)
def test_what_would_end_the_process_is_refused(name: str) -> None:
    began = time.process_time()
    with pytest.raises(TemplateError):
        inlining.inline(DEEP[name])

    assert time.process_time() - began < 4


def test_a_style_sheet_is_read_in_linear_time() -> None:
    source = f"<style>@media print {{{'/' * 290_000}}}</style><p>x</p>"
    began = time.process_time()

    assert inlining.inline(source) == source
    assert time.process_time() - began < 4


@pytest.mark.parametrize("tag", ["mj-selector", "mj-raw", "div", "mj-wrapper", "mj-all"])
def test_mjml_that_would_end_the_process_is_refused(tag: str) -> None:
    with pytest.raises(TemplateError):
        mjml.to_html(f"<mjml><mj-body>{f'<{tag}>' * 20_000}{f'</{tag}>' * 20_000}</mj-body></mjml>")


LONG = "x" * 100_000
GREEDY = {
    "what all have": (f"<mj-head><mj-attributes><mj-all padding='{LONG}' /></mj-attributes></mj-head>", "<mj-text />"),
    "what a class has": (
        f"<mj-head><mj-attributes><mj-class name='a' padding='{LONG}' /></mj-attributes></mj-head>",
        "<mj-text mj-class='a' />",
    ),
    "what links have": ("", f"<mj-social font-family='{LONG}'>{'<mj-social-element />' * 5_000}</mj-social>"),
    "a carousel": ("", f"<mj-carousel>{'<mj-carousel-image />' * 3_000}</mj-carousel>"),
}


@pytest.mark.parametrize("name", GREEDY)
def test_mjml_that_would_fill_the_memory_is_refused(name: str) -> None:
    head, content = GREEDY[name]
    column = f"<mj-section><mj-column>{content * (5_000 if head else 1)}</mj-column></mj-section>"

    with pytest.raises(TemplateError, match=r"too many elements|images together"):
        mjml.to_html(f"<mjml>{head}<mj-body>{column}</mj-body></mjml>")


def test_blocks_that_are_too_large_together_are_refused_at_the_first_that_is() -> None:
    with pytest.raises(TemplateError) as refused:
        _expanded("{% render 'it' %}\n" * 50, "x" * 290_000)

    assert (refused.value.line, "larger than 500 KB" in refused.value.message) == (2, True)


@pytest.mark.parametrize(
    ("block", "argument"),
    [
        ('<a href="{{ a }}">x</a>', "javascript:alert(1)"), ("<p class={{ a }}>x</p>", "x onclick=alert(1)"),
        ('<a href="{% if b %}{{ a }}{% endif %}">x</a>', "javascript:alert(1)"),
    ],
)  # fmt: skip
def test_an_argument_makes_no_script(block: str, argument: str) -> None:
    with pytest.raises(TemplateError) as refused:
        _expanded(f'<p>\n{{% render "it", a: "{argument}" %}}</p>', block)

    assert (refused.value.line, "remove the" in refused.value.message) == (2, True)
