"""Versions, languages and blocks of templates, through the API."""

from typing import Any

import pytest
from drumbeat.errors import Conflict
from drumbeat.templates import bodies, model, saving
from drumbeat.templates.model import TemplateVersion
from drumbeat.templates.views import TemplateChange

from tests.world import World


def mjml(inside: str) -> str:
    return f"<mjml><mj-body>{inside}</mj-body></mjml>"


def column(text: str, width: str = "100%") -> str:
    return f"<mj-column width='{width}'><mj-text>{text}</mj-text></mj-column>"


SUMMER: dict[str, Any] = {"name": "Summer", "subject": "Summer", "html": "<p>One</p>\n<p>Two</p>"}
FOOTER = {"name": "footer", "html": "<p>{{ postal_address }} <a href='{{ unsubscribe_url }}'>Out</a></p>"}


def call(world: World, name: str, template: str | None = None, **request: Any) -> Any:
    path = {**({"template_id": template} if template else {}), **request.pop("path", {})}
    return world.call(f"templates.{name}", path=path, **request)


def added(world: World, **more: Any) -> dict[str, Any]:
    reply = call(world, "create_template", body={**SUMMER, **more})
    assert reply.status == 201, reply.text
    data: dict[str, Any] = reply.data
    return data


def test_each_change_is_a_version_and_a_rollback_is_one_too(world: World) -> None:
    made = added(world, note="First")["id"]
    call(
        world,
        "update_template",
        made,
        body={"html": "<p>One</p>\n<p>Three</p>", "category": "promotional", "note": "Why"},
    )
    same = call(world, "update_template", made, body={"category": "promotional"}).data
    back = call(world, "roll_back_template", made, body={"version": 1}).data

    versions = call(world, "list_versions", made).data["items"]
    assert same["version"] == 2  # nothing was different
    assert [(it["version"], it["note"], it["restored"]) for it in versions] == [
        (3, "Back to version 1", 1), (2, "Why", None), (1, "First", None),
    ]  # fmt: skip
    assert (back["version"], back["html"], back["category"]) == (3, SUMMER["html"], None)
    assert call(world, "get_version", made, path={"version": "2"}).data["html"] == "<p>One</p>\n<p>Three</p>"
    assert all(it["created_by"].startswith("key:") for it in versions)
    assert (
        call(world, "compare_versions", made, path={"version": "3"}, query={"against": "1"}).data["differences"] == []
    )
    differences = call(world, "compare_versions", made, path={"version": "2"}).data["differences"]
    assert [(it["field"], it["lines_added"], it["lines_removed"]) for it in differences] == [
        ("category", None, None), ("html", 1, 1),
    ]  # fmt: skip


def test_of_two_who_change_at_once_the_second_is_refused(world: World) -> None:
    made = added(world)["id"]
    tag = call(world, "get_template", made).headers["ETag"]

    first = call(world, "update_template", made, headers={"If-Match": tag}, body={"subject": "A"})
    second = call(world, "update_template", made, headers={"If-Match": tag}, body={"subject": "B"})
    third = call(world, "update_template", made, body={"subject": "C", "expected_version": 1})
    odd = call(world, "update_template", made, headers={"If-Match": '"abc"'}, body={"subject": "D"})

    assert first.data["version"] == 2
    assert (
        (second.status, second.body["error_code"])
        == (third.status, third.body["error_code"])
        == (409, "TEMPLATE_CHANGED")
    )
    assert (odd.status, odd.refused) == (422, ["If-Match"])
    assert call(world, "get_template", made).data["subject"] == "A"


def test_a_change_between_reading_and_writing_is_not_lost(world: World) -> None:
    made = added(world)["id"]
    changes = iter(("Meanwhile",))

    def rewrite(row: model.Template) -> None:
        for category in changes:  # somebody else, once, after this one has read
            call(world, "update_template", made, body={"category": category})
        draft = saving._merged(row, TemplateChange(subject="Mine"))
        saving._put(row, draft, saving.check("ten_acme", draft))

    row = model.change("ten_acme", made, rewrite, actor=None, note=None, now=model.get("ten_acme", made).updated_at)

    assert (row.subject, row.category, int(row.version)) == ("Mine", "Meanwhile", 3)
    assert call(world, "list_versions", made).data["total_count"] == 3


def test_the_latest_versions_are_kept_until_the_template_is_deleted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "MOST_VERSIONS", 3)
    made = added(world)["id"]
    for number in range(4):
        call(world, "update_template", made, body={"subject": f"{number}"})

    assert [TemplateVersion.fetch(*TemplateVersion.key("ten_acme", made, n)) is None for n in range(1, 6)] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert call(world, "get_version", made, path={"version": "1"}).status == 404
    call(world, "delete_template", made)
    assert TemplateVersion.fetch(*TemplateVersion.key("ten_acme", made, 5)) is None


def test_versions_come_in_pages(world: World) -> None:
    made = added(world)["id"]
    for number in range(4):
        call(world, "update_template", made, body={"subject": f"{number}"})

    first = call(world, "list_versions", made, query={"limit": "2"}).data
    second = call(world, "list_versions", made, query={"limit": "2", "cursor": first["next_cursor"]}).data
    last = call(world, "list_versions", made, query={"limit": "2", "page": "3"}).data

    assert [[it["version"] for it in page["items"]] for page in (first, second, last)] == [[5, 4], [3, 2], [1]]
    assert (first["total_count"], last["next_cursor"]) == (5, None)
    assert call(world, "list_versions", made, query={"cursor": "x"}).refused == ["cursor"]


def test_a_version_that_cannot_be_is_none(world: World) -> None:
    made = added(world)["id"]
    for number in ("9" * 2_000, "9" * 5_000, "1000000", "-1", "1.0"):
        assert call(world, "get_version", made, path={"version": number}).status == 404, number[:20]
        assert call(world, "list_versions", made, query={"cursor": number}).refused == ["cursor"]
    large = call(world, "roll_back_template", made, body={"version": 10**2_000})
    against = call(world, "compare_versions", made, path={"version": "1"}, query={"against": "9" * 2_000})
    assert (large.refused, against.refused) == (["version"], ["against"])


def test_a_template_speaks_several_languages(world: World) -> None:
    greeting = mjml(f"<mj-section>{column('হ্যালো {{ first_name }}')}</mj-section>")
    bangla = {"subject": "গ্রীষ্ম", "mjml": greeting}
    made = added(world, languages={"bn": bangla, "de": {"html": "<p>Hallo</p>"}})
    reader = world.call(
        "contacts.create_contact", body={"email": "r@t.example", "first_name": "Rina", "language": "bn-BD"}
    )

    shown = call(world, "preview_template", made["id"], body={"contact_id": reader.data["id"]}).data
    german = call(world, "preview_template", made["id"], body={"language": "de-AT"}).data
    default = call(world, "preview_template", made["id"], body={}).data
    less = call(world, "update_template", made["id"], body={"languages": {"de": None}}).data
    broken = call(world, "update_template", made["id"], body={"languages": {"bn": {"html": "<p>\n{{ x | nope }}"}}})

    assert (made["languages"], made["variants"]["de"]["subject"]) == (["bn", "de"], "Summer")
    assert (shown["subject"], shown["language"]) == ("গ্রীষ্ম", "bn")
    assert "হ্যালো Rina" in shown["html"] and "সাবস্ক্রিপশন বাতিল করুন" in shown["html"]
    assert ("Hallo" in german["html"], "One" in default["html"]) == (True, True)
    assert less["languages"] == ["bn"]
    versions = call(world, "list_versions", made["id"]).data["items"]
    assert [it["languages"] for it in versions] == [["bn"], ["bn", "de"]]
    assert broken.refused == ["languages.bn.html"]
    assert broken.body["error"]["details"][0]["message"].startswith("line 2: there is no filter")


def test_mjml_is_kept_beside_its_html_and_either_replaces_the_other(world: World) -> None:
    source = mjml(f"<mj-section>{column('Hi {{ first_name }}')}</mj-section>")
    made = added(world, html=None, mjml=source)

    plain = call(world, "update_template", made["id"], body={"html": "<p>Plain</p>"}).data
    again = call(world, "update_template", made["id"], body={"mjml": source}).data
    both = call(world, "create_template", body={**SUMMER, "mjml": source})

    assert made["mjml"] == source and "<!doctype html>" in made["html"] and made["is_responsive"]
    assert "Hi {{ first_name }}" in made["text"]
    assert (plain["mjml"], plain["html"], plain["is_responsive"]) == (None, "<p>Plain</p>", False)
    assert (again["mjml"], again["version"]) == (source, 3)
    assert (both.status, both.refused) == (422, ["html"])


def test_a_block_stands_in_html_mjml_and_text(world: World) -> None:
    world.call("templates.create_block", body=FOOTER)
    two = f"<mj-section>{column('L', '50%')}{column('{{ right }}', '50%')}</mj-section>"
    world.call("templates.create_block", body={"name": "two", "mjml": two})
    source = mjml('<mj-raw>{% render "two", right: first_name %}{% render "footer" %}</mj-raw>')
    made = added(world, html=None, mjml=source, text='Hello\n{% render "footer" %}')

    shown = call(world, "preview_template", made["id"], body={"data": {"first_name": "Rina"}}).data

    assert made["blocks"] == ["footer", "two"]
    assert "missing_unsubscribe" not in {it["name"] for it in shown["findings"]}
    assert "Rina</div>" in shown["html"] and "Acme Inc., 1 Main Street" in shown["html"]
    assert shown["html"].index(".mj-column-per-50") < shown["html"].index("</head>")
    assert "Acme Inc., 1 Main Street" in shown["text"] and "https://track.example/u/preview" in shown["text"]


def test_a_block_that_is_used_cannot_be_deleted(world: World) -> None:
    world.call("templates.create_block", body=FOOTER)
    made = added(world, html='<p>Hi</p>{% render "footer" %}')["id"]
    path = {"name": "footer"}

    used = world.call("templates.delete_block", path=path)
    call(world, "update_template", made, body={"html": "<p>Hi</p>"})
    free = world.call("templates.get_block", path=path).data["used_by"]
    call(world, "roll_back_template", made, body={"version": 1})
    again = world.call("templates.delete_block", path=path)
    call(world, "delete_template", made)
    gone = world.call("templates.delete_block", path=path)

    assert (used.status, used.body["error_code"]) == (again.status, again.body["error_code"]) == (409, "BLOCK_IN_USE")
    assert "Summer" in used.body["message"]
    assert (free, gone.status) == ([], 200)
    unknown = call(world, "create_template", body={**SUMMER, "html": '<p>\n{% render "footer" %}</p>'})
    assert unknown.body["error"]["details"][0]["message"].startswith("line 2: there is no block 'footer'")


def test_a_template_has_no_more_blocks_than_are_written_at_once(world: World) -> None:
    names = [f"b{number}" for number in range(saving.MOST_BLOCKS + 1)]
    for name in names:
        assert world.call("templates.create_block", body={"name": name, "html": "<p>x</p>"}).status == 201
    half = [f'{{% render "{name}" %}}' for name in names]

    refused = call(world, "create_template", body={**SUMMER, "html": "".join(half)})
    most = added(world, html="".join(half[:20]), languages={"bn": {"html": "".join(half[20:-1])}})

    assert (refused.status, refused.refused) == (422, ["html"])
    assert len(most["blocks"]) == saving.MOST_BLOCKS


def test_hostile_blocks_and_drafts_are_refused_by_field(world: World) -> None:
    deep, long = "<div>" * 3_000, "x" * 100_000
    greedy = mjml(f"<mj-section><mj-column>{'<mj-carousel-image />' * 3_000}</mj-column></mj-section>")
    cases = [
        ("html", {"html": f"<style>p {{ top: 0 }}</style>{deep}"}),
        ("html", {"html": f"<style>{';' * 290_000}</style>"}),
        ("html", {"html": f"<style>i {{ margin: {long} }}</style>{'<i></i>' * 9_000}"}), ("mjml", {"mjml": greedy}),
        ("html", {"html": "{% for i in a %}" * 5_000}), ("html", {"html": "{% render 'it', a: b | c %}"}),
    ]  # fmt: skip
    for field, said in cases:
        for name, more in (("create_block", {"name": "it"}), ("lint_draft", {"subject": "Hi"})):
            reply = world.call(f"templates.{name}", body={**more, **said})
            assert (reply.status, reply.refused) == (422, [field]), (name, reply.text[:300])


def test_a_block_that_goes_while_a_template_is_saved_is_missed(world: World) -> None:
    made = added(world)["id"]

    def rewrite(row: model.Template) -> None:
        row.subject, row.blocks, row.body = "New", ["gone"], bodies.pack({"": bodies.Body("New", "<p>x</p>")})

    with pytest.raises(Conflict, match="'gone' was deleted meanwhile"):
        model.change("ten_acme", made, rewrite, actor=None, note=None, now=model.get("ten_acme", made).updated_at)
    assert call(world, "get_template", made).data["version"] == 1


def test_blocks_are_the_tenants_own(world: World) -> None:
    world.call("templates.create_block", body=FOOTER)

    assert world.call("templates.get_block", tenant="globex", path={"name": "footer"}).status == 404
    assert world.call("templates.delete_block", tenant="globex", path={"name": "footer"}).status == 404
    body = {**SUMMER, "html": '{% render "footer" %}'}
    assert call(world, "create_template", tenant="globex", body=body).status == 422


def test_every_starter_makes_a_template_without_findings(world: World) -> None:
    starters = call(world, "list_starters").data

    for starter in starters:
        made = call(world, "create_template", body={"starter": starter["name"]}).data
        assert (made["findings"], made["languages"], made["is_responsive"]) == ([], ["bn"], True), starter["name"]
    assert {starter["category"] for starter in starters} == {
        "welcome", "promotional", "transactional", "newsletter", "abandoned_cart", "reactivation",
    }  # fmt: skip
    own = call(
        world,
        "create_template",
        body={"starter": "welcome", "subject": "Hey", "language": "en", "languages": {"bn": None}},
    )
    bangla = call(world, "create_template", body={"starter": "eid", "language": "bn"}).data
    assert (own.data["subject"], own.data["languages"]) == ("Hey", [])
    assert (bangla["subject"].startswith("🌙 ঈদ"), bangla["languages"]) == (True, ["en"])
    assert call(world, "create_template", body={"starter": "nope"}).refused == ["starter"]
