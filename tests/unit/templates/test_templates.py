"""Templates through the API: kept, shown, changed, previewed, and refused when they would do harm."""

from typing import Any

import pytest
from drumbeat.templates import model, safety
from drumbeat.templates.limits import TemplateError

from tests.unit.templates.test_engine_hostile import PAYLOADS
from tests.world import World

HTML = "<h1>Hello {{ first_name }}</h1>\n<p>Spend {{ coupon }} at <a href='https://shop.example/sale'>the shop</a>.</p>"
SUMMER: dict[str, Any] = {
    "name": "Summer Promo",
    "subject": "{{ first_name }}, summer is here",
    "html": HTML,
    "variables": ["coupon"],
    "category": "promotional",
}


def added(world: World, **changes: Any) -> dict[str, Any]:
    reply = world.call("templates.create_template", body={**SUMMER, **changes})
    assert reply.status == 201, reply.text
    data: dict[str, Any] = reply.data
    return data


def one(world: World, reference: str, **more: Any) -> Any:
    return world.call("templates.get_template", path={"template_id": reference}, **more)


def test_a_template_is_kept_as_it_was_written(world: World) -> None:
    made = added(world)

    shown = one(world, made["id"]).data

    assert made["id"].startswith("tpl_")
    assert shown == {name: value for name, value in made.items() if name != "findings"}
    assert {name: shown[name] for name in SUMMER} == SUMMER
    assert (shown["slug"], shown["usage_count"], shown["language"]) == ("summer_promo", 0, "en")
    assert shown["created_by"].startswith("key:")


def test_a_text_that_is_left_out_is_derived(world: World) -> None:
    derived = added(world)
    own = added(world, name="Own", text="Hello!")

    assert derived["text_derived"] is True
    assert derived["text"].startswith("Hello {{ first_name }}")
    assert "the shop (https://shop.example/sale)" in derived["text"]
    assert (own["text"], own["text_derived"]) == ("Hello!", False)


def test_a_template_is_found_by_its_slug(world: World) -> None:
    made = added(world, name="summer-promo-2024")

    for name in ("summer-promo-2024", "summer_promo_2024", "Summer Promo 2024"):
        assert one(world, name).data["id"] == made["id"]


def test_the_second_of_a_name_has_no_slug(world: World) -> None:
    first, second = added(world), added(world)

    assert (first["slug"], second["slug"]) == ("summer_promo", None)
    assert one(world, "summer_promo").data["id"] == first["id"]
    assert world.call("templates.list_templates").data["total_count"] == 2


def test_the_same_key_makes_one_template(world: World) -> None:
    replies = [
        world.call("templates.create_template", body=SUMMER, headers={"Idempotency-Key": "once"}) for _ in range(2)
    ]

    assert replies[0].text == replies[1].text
    assert world.call("templates.list_templates").data["total_count"] == 1


def test_lists_show_no_bodies_and_filter_by_category(world: World) -> None:
    added(world)
    welcome = added(world, name="Welcome", category="welcome")

    everything = world.call("templates.list_templates").data
    of_category = world.call("templates.list_templates", query={"category": "welcome"}).data

    assert [row["name"] for row in everything["items"]] == ["Welcome", "Summer Promo"]
    assert "html" not in everything["items"][0]
    assert [row["id"] for row in of_category["items"]] == [welcome["id"]]
    assert of_category["total_count"] == 1


def test_a_change_merges_and_moves_the_slug(world: World) -> None:
    made = added(world, text="Hello!")
    path = {"template_id": made["id"]}

    renamed = world.call("templates.update_template", path=path, body={"name": "Autumn", "text": None}).data

    assert (renamed["name"], renamed["slug"], renamed["html"]) == ("Autumn", "autumn", HTML)
    assert renamed["text_derived"] is True
    assert one(world, "autumn").data["id"] == made["id"]
    assert one(world, "summer_promo").status == 404
    assert added(world)["slug"] == "summer_promo"


def test_a_change_to_a_taken_name_keeps_the_other_ones_slug(world: World) -> None:
    first, second = added(world), added(world, name="Second")
    path = {"template_id": second["id"]}

    renamed = world.call("templates.update_template", path=path, body={"name": "Summer promo"}).data

    assert renamed["slug"] is None
    assert one(world, "summer_promo").data["id"] == first["id"]


def test_a_change_that_does_not_compile_changes_nothing(world: World) -> None:
    made = added(world)
    path = {"template_id": made["id"]}

    reply = world.call("templates.update_template", path=path, body={"name": "X", "html": "<p>\n{% if %}</p>"})

    assert (reply.status, reply.refused) == (422, ["html"])
    assert one(world, made["id"]).data["name"] == "Summer Promo"


def test_a_deleted_template_is_gone_and_its_name_free(world: World) -> None:
    made = added(world)

    gone = world.call("templates.delete_template", path={"template_id": "summer_promo"})

    assert gone.data == {"id": made["id"], "deleted": True}
    assert one(world, made["id"]).status == one(world, "summer_promo").status == 404
    assert world.call("templates.delete_template", path={"template_id": made["id"]}).status == 404
    assert world.call("templates.list_templates").data["total_count"] == 0
    assert added(world)["slug"] == "summer_promo"


def test_another_tenants_template_is_not_there(world: World) -> None:
    made = added(world)
    path = {"template_id": made["id"]}

    assert one(world, made["id"], tenant="globex").status == 404
    assert one(world, "summer_promo", tenant="globex").status == 404
    assert world.call("templates.update_template", tenant="globex", path=path, body={"name": "x"}).status == 404
    assert world.call("templates.delete_template", tenant="globex", path=path).status == 404
    assert world.call("templates.preview_template", tenant="globex", path=path, body={}).status == 404


def test_launches_are_counted_while_the_template_is_there(world: World) -> None:
    made = added(world)
    model.used("ten_acme", made["id"])
    model.used("ten_acme", made["id"])

    assert one(world, made["id"]).data["usage_count"] == 2

    world.call("templates.delete_template", path={"template_id": made["id"]})
    model.used("ten_acme", made["id"])
    assert one(world, made["id"]).status == 404


def test_findings_name_what_could_be_better(world: World) -> None:
    found = {row["name"]: row for row in added(world, variables=[])["findings"]}

    assert "coupon" in found["unknown_variable"]["message"]
    assert "first_name" not in str(found)  # every contact has it
    assert found["missing_unsubscribe"]["severity"] == "warning"


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"html": "<p>\n{{ name | nope }}</p>"}, "html", "line 2: there is no filter 'nope'"),
    ({"subject": "{% if a %}"}, "subject", "is not closed"),
    ({"text": "{% include 'x' %}"}, "text", "not available"),
    ({"html": "x" * 300_001}, "html", ""),
    ({"html": "é" * 160_000}, "html", "at most 300 KB"),
    ({"html": "é" * 150_000, "languages": {f"x{a}": {"html": "é" * 150_000} for a in "abcdefg"}}, "html",
     "with the other parts"),
    ({"subject": "x" * 501}, "subject", ""),
    ({"text": "x" * 100_001}, "text", ""),
    ({"variables": ["a b"]}, "variables[0]", ""),
    ({"name": " "}, "name", ""),
    ({"htlm": "x"}, "htlm", ""),
]  # fmt: skip


def test_bad_templates_are_refused_by_field(world: World) -> None:
    for changes, field, says in BAD:
        reply = world.call("templates.create_template", body={**SUMMER, **changes})

        assert (reply.status, reply.refused) == (422, [field]), reply.text
        assert says in reply.body["error"]["details"][0]["message"]


HOSTILE = (
    "loop_nested", "range_join", "append_doubling", "replace_explosion", "date_width", "recursion_blocks", "include",
    "unclosed_tags", "attr_filter", "output_10mb",
)  # fmt: skip


def test_hostile_templates_are_refused_and_the_worker_lives(world: World) -> None:
    data = {"name": "Ada", "long": "x" * 50_000}
    for name in HOSTILE:
        draft = {"subject": "Hi", "html": PAYLOADS[name]}
        refused = world.call("templates.preview_draft", body={**draft, "data": data})
        assert (refused.status, refused.refused) == (422, ["html"]), f"{name}: {refused.text}"

    alive = world.call("templates.preview_draft", body={"subject": "Hi", "html": HTML, "data": {"first_name": "Ada"}})
    assert "Hello Ada" in alive.data["html"]


SCRIPTS = {
    "script": "<p>Hi</p><script>alert(1)</script>",
    "script in capitals": "<SCRIPT src=//evil.example></SCRIPT>",
    "script in a comment": "<!-- <script>alert(1)</script> -->",
    "comment with an odd end": "<!-- --!><img src=x alt=a>-->",
    "handler": "<img src='https://a.example/a.png' onerror='alert(1)'>",
    "handler after a slash": "<svg/onload=alert(1)>",
    "handler after a quote": '<p title="a"onclick="alert(1)">',
    "handler cut by Liquid": "<p on{{ x }}click='alert(1)'>",
    "handler from Liquid": "<p {{ x }}>",
    "handler from echo": "<p {% echo 'onclick' %}='alert(1)'>",
    "handler in a branch": "<p {% if a %}onclick{% endif %}='alert(1)'>",
    "tag without an end": "<img src=x onerror=alert(1) ",
    "element from Liquid": "<{{ 'script' }}>alert(1)</{{ 'script' }}>",
    "element name cut by Liquid": "<scr{{ x }}ipt>alert(1)</scr{{ x }}ipt>",
    "script address": "<a href='javascript:alert(1)'>x</a>",
    "script address in entities": "<a href='&#106;ava&#9;script&colon;alert(1)'>x</a>",
    "script address cut by Liquid": "<a data-no-track href='java{{ x }}script:alert(1)'>x</a>",
    "data address": "<a href='data:text/html,hello'>x</a>",
    "svg image": "<img src='data:image/svg+xml;base64,AAAA'>",
    "frame": "<iframe src='https://evil.example'></iframe>",
    "base": "<base href='https://evil.example/'>",
    "refresh": "<meta content='0;url=https://evil.example' http-equiv=Refresh>",
    "markup in an attribute": "<textarea><p title='</textarea><img src=x>'>",
    "style": "<p style='width: expression(alert(1))'>",
    "comment without an end": "<!-- <p>the footer would be in it",
    "comment for Outlook without an end": "<!--[if mso]><p>the footer would be in it",
    "style without an end": "<style>p { top: 0 }",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_refused_with_the_line(name: str) -> None:
    with pytest.raises(TemplateError) as refused:
        safety.check(f"<h1>Hi</h1>\n{SCRIPTS[name]}")

    assert (refused.value.field, refused.value.line) == ("html", 2)


def test_a_template_with_scripts_is_not_saved(world: World) -> None:
    made = added(world)
    body = {**SUMMER, "html": "<p>Hi</p>\n<script>alert(1)</script>"}
    path = {"template_id": made["id"]}

    created = world.call("templates.create_template", body=body)
    changed = world.call("templates.update_template", path=path, body={"html": body["html"]})

    for reply in (created, changed):
        assert (reply.status, reply.refused) == (422, ["html"])
        assert reply.body["error"]["details"][0]["message"].startswith("line 2: remove <script>")
    assert one(world, made["id"]).data["html"] == HTML


def test_ordinary_mails_are_no_scripts(world: World) -> None:
    html = """<!doctype html><html><head><title>Only 5 < 6</title><meta charset="utf-8">
    <style>@media (max-width: 600px) { td > p { width: 100% } }</style><!--[if mso]><table><![endif]--></head><body>
    <a href="https://shop.example/?on=1&amp;javascript=no" style="color:#111; background:url(https://a.example/b.png)">
    Ongoing offers</a><img src="data:image/png;base64,AAAA" alt="{{ name }}"><td {% if vip %}bgcolor="gold"{% endif %}>
    {% if total_orders < 3 %}New{% endif %}<a href="{{ unsubscribe_url }}">Out</a> {{ postal_address }}</body></html>"""

    assert added(world, html=html)["html"] == html


def test_a_preview_goes_through_the_engine_of_sends(world: World) -> None:
    made = added(world)
    path = {"template_id": made["id"]}

    shown = world.call(
        "templates.preview_template", path=path, body={"data": {"first_name": "<Ada>", "coupon": "TEN"}}
    ).data

    assert shown["subject"] == "<Ada>, summer is here"
    assert "<h1>Hello &lt;Ada&gt;</h1>" in shown["html"]
    assert "https://track.example/c/preview/1" in shown["html"]
    assert "https://track.example/u/preview" in shown["text"]
    assert "Acme Inc., 1 Main Street" in shown["html"]
    assert "Hello <Ada>" in shown["text"]
    assert {row["severity"] for row in shown["findings"]} <= {"warning", "hint"}


def test_a_preview_shows_a_contacts_mail_with_other_values_in_front(world: World) -> None:
    contact = world.call(
        "contacts.create_contact",
        body={"email": "ada@example.com", "first_name": "Ada", "attributes": {"coupon": "OLD"}},
    ).data
    body = {"subject": "{{ email }}", "html": HTML, "contact_id": contact["id"], "data": {"coupon": "NEW"}}

    shown = world.call("templates.preview_draft", body=body).data

    assert shown["subject"] == "ada@example.com"
    assert "Hello Ada" in shown["html"]
    assert "Spend NEW" in shown["html"]
    assert world.call("templates.preview_draft", tenant="globex", body=body).status == 404


def test_markup_that_liquid_puts_together_is_not_shown(world: World) -> None:
    html = "{% capture a %}< {% endcapture %}{{ a | strip }}img src=x onerror=alert(1)>"

    reply = world.call("templates.preview_draft", body={"subject": "x", "html": html})

    assert (reply.status, reply.refused) == (422, ["html"])


def test_the_documented_request_makes_a_template(world: World) -> None:
    document = {
        "name": "Welcome Template",
        "subject": "Welcome to our platform!",
        "html_content": "<h1>Welcome {{first_name}}!</h1><p>We're excited to have you on board.</p>",
        "variables": ["first_name"],
        "category": "onboarding",
    }
    route = "POST /api/marketing/email/templates"

    made = world.call("templates.create_template", route=route, body=document)
    refused = world.call("templates.create_template", route=route, body={**document, "html_content": "{{"})

    assert made.status == 201
    assert made.body["template_id"] == made.body["id"]
    assert {name: made.body[name] for name in document} == document
    assert made.body["text_content"].startswith("Welcome {{first_name}}!")
    assert one(world, "welcome_template").data["id"] == made.body["id"]
    assert (refused.status, refused.refused) == (422, ["html_content"])


def test_reading_and_writing_have_scopes_of_their_own(world: World) -> None:
    reader = {"X-API-Key": world.key("acme", ("templates:read",))}

    assert world.call("templates.list_templates", tenant=None, headers=reader).status == 200
    assert world.call("templates.create_template", tenant=None, headers=reader, body=SUMMER).status == 403
