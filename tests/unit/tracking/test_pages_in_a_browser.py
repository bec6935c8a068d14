"""The pages for recipients in a browser: nothing to scroll sideways, and everything within reach of a keyboard."""

import shutil
import struct
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from drumbeat import clock
from drumbeat.accounts.categories import Category
from drumbeat.contacts import model as contacts
from drumbeat.contacts import preferences
from drumbeat.contacts.model import Contact
from drumbeat.feedback import confirmation_pages, known, pages, preference_page, tracking
from drumbeat.feedback.pages import Reader
from drumbeat.feedback.preference_page import Showing
from drumbeat.feedback.words import LANGUAGES, WORDS
from drumbeat.privacy import pages as privacy_pages
from drumbeat.privacy.asking import Followed
from drumbeat.sends import rollups, tokens
from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.sends import Sent, sent
from tests.world import World

WIDTHS = (320, 1280)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TENANT = '<b>Bold</b> & "Söhne"'
ADDRESS = "a•••@department.of.a-company-with-a-very-long-name.example.com"
# What a page has for fingers and keys: how high it is, and what a screen reader calls it.
MEASURE = """() => {
  const found = [...document.querySelectorAll('a, button, input:not([type=hidden]), select')];
  const high = one => (one.closest('label') || one).getBoundingClientRect().height;
  return {
    wide: document.documentElement.scrollWidth,
    bold: document.querySelectorAll('b').length,
    headings: document.querySelectorAll('h1').length,
    low: found.filter(one => high(one) < 40).map(one => one.outerHTML),
    nameless: found.filter(one => !(one.labels?.length ? one.labels[0].innerText : one.innerText).trim()).length,
  };
}"""
# What a screen reader, an eye or a finger would stumble over, as checks of axe-core have it.
STUMBLES = """() => {
  const all = (what) => [...document.querySelectorAll(what)];
  const light = (text) => {
    const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map(c => c / 255)
      .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (one) => {
    for (; one; one = one.parentElement) {
      const found = getComputedStyle(one).backgroundColor;
      if (found !== 'rgba(0, 0, 0, 0)') return found;
    }
    return 'rgb(255, 255, 255)';
  };
  const contrast = (one) => {
    const both = [light(getComputedStyle(one).color), light(ground(one))].sort((a, b) => b - a);
    return (both[0] + 0.05) / (both[1] + 0.05);
  };
  const ids = all('[id]').map(one => one.id);
  return {
    language: document.documentElement.lang,
    untitled: !document.title.trim(),
    legendless: all('fieldset').filter(one => one.firstElementChild?.tagName !== 'LEGEND').length,
    lonely_radios: all('input[type=radio]').filter(one => !one.closest('fieldset')).length,
    double_ids: ids.length - new Set(ids).size,
    faint: all('p, label, legend, button, h1, h2, li, small, a').filter(one => contrast(one) < 4.5)
      .map(one => one.textContent),
    zoom_off: /user-scalable=no|maximum-scale/.test(document.querySelector('meta[name=viewport]').content),
    scripts: document.scripts.length,
    tab_order: all('[tabindex]').filter(one => one.tabIndex > 0).length,
    mains: document.querySelectorAll('main').length,
  };
}"""
SOUND = {
    "untitled": False, "legendless": 0, "lonely_radios": 0, "double_ids": 0, "faint": [], "zoom_off": False,
    "scripts": 0, "tab_order": 0, "mains": 1,
}  # fmt: skip
CATEGORIES = (
    Category(id="offers", name="Offers", names={"bn": "অফার"}),
    Category(id="tips", name="Tips-without-any-place-to-break-the-line-in-a-word-of-so-many-letters"),
)
# Where the focus is, as a reader of the page would say, and whether it can be seen.
FOCUS = """() => {
  const at = document.activeElement, said = (at.labels?.length ? at.labels[0].innerText : at.innerText) || '';
  return [said.trim().split('\\n')[0], getComputedStyle(at).outlineStyle !== 'none'];
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium")  # pages need a browser, which no package registry of Python has
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


def opened(browser: Browser, width: int) -> Page:
    """A page of a width that fetches nothing."""
    page = browser.new_context(viewport={"width": width, "height": 760}).new_page()
    page.route("**/*", lambda route: route.abort())
    return page


def everything(language: str) -> dict[str, str]:
    """All pages by name, for somebody whose sender has a hostile name."""
    to = Reader(language, TENANT, ADDRESS, CATEGORIES, "Asia/Dhaka")
    now = clock.business()
    said = {"status": "granted", "at": clock.iso(now), "source": "form", "method": "api"}
    person = Contact(email="a@b.example", phone="+8801712345678", push_token="t", consent={"email": said})
    person.preferences = {
        "refused": ["offers"], "paused_until": clock.iso(now + preferences.PAUSE), "at": clock.iso(now)
    }  # fmt: skip
    links = {wish: cast(Followed, SimpleNamespace(request=None, wish=wish)) for wish in ("data_export", "erasure")}
    asked = confirmation_pages._question
    return {
        "unsubscribe": pages.ask_to_unsubscribe(to, "../p/t"),
        "unsubscribed": pages.unsubscribed(to, "../p/t"),
        "preferences": preference_page.page(
            Showing(to, person, now), saved=True, more=privacy_pages.buttons(to, "../p/t/data")
        ),
        "nobody": pages.nobody(to),
        "confirm": pages.page(to, "confirm_title", asked(to, "confirm_question", "confirm", "")),
        "late": pages.page(to, "late_title", asked(to, "late", "send_again", confirmation_pages.AGAIN)),
        "link_sent": privacy_pages.link_sent(to, "t"),
        "expired": privacy_pages.expired(to, "t"),
        **{wish: privacy_pages.of_link(to, link) for wish, link in links.items()},
    }


def test_pages_fit_a_telephone_and_a_desk_and_say_names_as_they_are(browser: Browser) -> None:
    for width in WIDTHS:
        page = opened(browser, width)
        for language in LANGUAGES if width == WIDTHS[0] else ("en",):
            for name, html in everything(language).items():
                page.set_content(html, wait_until="domcontentloaded")
                seen: dict[str, Any] = page.evaluate(MEASURE)
                assert seen == {"wide": width, "bold": 0, "headings": 1, "low": [], "nameless": 0}, (name, language)
                assert TENANT in page.inner_text(".from"), name
                assert page.evaluate(STUMBLES) == {**SOUND, "language": language}, (name, language)
        picture = page.screenshot(full_page=True)
        assert struct.unpack(">II", picture[16:24])[0] == width  # PNG: width and height follow the first chunk's name


def test_a_keyboard_reaches_everything_in_the_order_of_the_page(browser: Browser) -> None:
    page, shown = opened(browser, WIDTHS[0]), everything("en")
    expected = {
        "unsubscribe": ["I get too many e-mails", "Unsubscribe", "Choose what you get instead"],
        "preferences": ["News and offers by e-mail", "News and offers by SMS", WORDS["en"]["push"], "Offers",
                        CATEGORIES[1].name, "As often as there is something"],
        "erasure": ["Yes, delete everything"],
        "late": ["Send a new link"],
    }  # fmt: skip
    for name, stops in expected.items():
        page.set_content(shown[name], wait_until="domcontentloaded")
        for stop in stops:
            page.keyboard.press("Tab")
            assert page.evaluate(FOCUS) == [stop, True], name
    page.set_content(shown["unsubscribe"])
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert page.locator("input:checked").get_attribute("value") == "not_relevant"


def served(browser: Browser, world: World, send: Sent) -> Page:
    """The preference page of a message, on a telephone without scripts: what the browser asks, our functions answer."""
    context = browser.new_context(viewport={"width": WIDTHS[0], "height": 640}, java_script_enabled=False)
    page = context.new_page()

    def answer(route: Route) -> None:
        asked = route.request
        name = "change_preferences" if asked.method == "POST" else "show_preferences"
        body = asked.post_data_buffer if asked.method == "POST" else None
        headers = {"content-type": asked.headers.get("content-type", ""), "accept-language": "en"}
        reply = world.call(
            f"tracking.{name}", tenant=None, path={"token": send.token()}, body=body, headers=headers
        )  # fmt: skip
        route.fulfill(status=reply.status, headers=reply.headers, body=reply.text)

    page.route("**/*", answer)
    page.goto(f"https://mail.example/p/{send.token()}")
    return page


def test_a_keyboard_alone_changes_everything_and_hears_what_is_in_force(browser: Browser, world: World) -> None:
    for module in (known, tracking, tokens, rollups):
        module.forget()
    world.call("accounts.update_settings", body={"categories": [one.model_dump() for one in CATEGORIES]})
    said = {"status": "granted", "at": "2026-01-05T08:00:00.000Z", "source": "form", "method": "api"}
    send = sent(phone="+8801712345678", consent={"email": said, "sms": said})
    page = served(browser, world, send)
    for key in (
        "Tab", "Tab", "Space",  # e-mail stays, SMS does not
        "Tab", "Space",  # no offers
        "Tab", "Tab", "ArrowDown", "ArrowDown",  # tips stay; once a week
        "Tab", "Space", "Tab", "Tab", "ArrowDown",  # pause; tracking stays; Bangla
        "Tab",
    ):  # fmt: skip
        page.keyboard.press(key)
    with page.expect_navigation():
        page.keyboard.press("Enter")

    person = contacts.get(send.tenant, send.people[0][0].contact_id)
    assert (person.consent["email"]["status"], person.consent["sms"]["status"]) == ("granted", "revoked")
    assert (person.preferences["refused"], person.preferences["frequency"]) == (["offers"], "weekly")
    assert preferences.is_paused(person, clock.business()) and person.language == "bn"
    note = page.get_by_role("status")
    assert WORDS["bn"]["saved"] in note.inner_text() and WORDS["bn"]["weekly"] in note.inner_text()
    assert page.locator("[role=status]:focus").count() == 1
    tree = page.locator("main").aria_snapshot()
    for part in (
        'group "সর্বোচ্চ কত ঘন ঘন?"', 'radio "সপ্তাহে একবার" [checked]', 'checkbox "অফার"', 'combobox "ভাষা"',
        'button "সংরক্ষণ করুন"',
    ):  # fmt: skip
        assert part in tree, tree
