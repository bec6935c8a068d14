"""The pages for recipients in a browser: nothing to scroll sideways, and everything within reach of a keyboard."""

import shutil
import struct
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from drumbeat.contacts.model import Contact
from drumbeat.feedback import confirmation_pages, pages
from drumbeat.feedback.pages import Reader
from drumbeat.feedback.words import LANGUAGES, WORDS
from drumbeat.privacy import pages as privacy_pages
from drumbeat.privacy.asking import Followed
from playwright.sync_api import Browser, Page, sync_playwright

WIDTHS = (375, 1280)
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
    to = Reader(language, TENANT, ADDRESS)
    person = cast(Contact, SimpleNamespace(phone="+8801712345678", consent={}, tracking=None))
    links = {wish: cast(Followed, SimpleNamespace(request=None, wish=wish)) for wish in ("data_export", "erasure")}
    asked = confirmation_pages._question
    return {
        "unsubscribe": pages.ask_to_unsubscribe(to, "../p/t"),
        "unsubscribed": pages.unsubscribed(to, "../p/t"),
        "preferences": pages.preferences(to, person, saved=True, more=privacy_pages.buttons(to, "../p/t/data")),
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
        picture = page.screenshot(full_page=True)
        assert struct.unpack(">II", picture[16:24])[0] == width  # PNG: width and height follow the first chunk's name


def test_a_keyboard_reaches_everything_in_the_order_of_the_page(browser: Browser) -> None:
    page, shown = opened(browser, WIDTHS[0]), everything("en")
    expected = {
        "unsubscribe": ["I get too many e-mails", "Unsubscribe", "Choose what you get instead"],
        "preferences": ["News and offers by e-mail", "News and offers by SMS", WORDS["en"]["tracking"], "Language",
                        "Save", "Send me my data", "Delete my data"],
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
