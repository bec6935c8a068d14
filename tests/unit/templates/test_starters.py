"""Starter templates in a browser, on a telephone and on a desk: nothing to scroll sideways, and nothing too small."""

import shutil
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

import pytest
from drumbeat.templates import addresses, checks, starters
from drumbeat.templates.checks import Written
from playwright.sync_api import Browser, Page, sync_playwright

WIDTHS = (375, 1280)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PRODUCT = {"price": "৳1,290", "url": "https://shop.example/p", "image_url": "https://cdn.example/p.jpg"}
DATA: dict[str, Any] = {
    "first_name": "Rina", "sender_name": "Acme", "postal_address": "Acme Inc., 1 Main Street, Springfield",
    "order_id": "A-10023", "total": "৳8,200", "now": datetime(2026, 3, 2, tzinfo=UTC), "timezone": "UTC",
    "currency": "BDT", "click_base": "https://t.example/c/t", "open_url": "https://t.example/o/t",
    "unsubscribe_url": "https://t.example/u/t", "preferences_url": "https://t.example/p/t",
    "items": [{"name": "Jamdani saree, handwoven in Tangail", "quantity": 2, "price": "৳12,400"}] * 2,
    "content": {
        "cta_link": "https://shop.example/", "code": "EID25",
        "stories": [{"title": "A new workshop in Tangail", "text": "Twelve weavers have moved. We went to see them."}],
    },
    "products": [
        {**PRODUCT, "name": "Lamp"},
        {**PRODUCT, "name": "Linen shirt with a long name", "on_sale": True, "compare_at_price": "৳1,500"},
        {**PRODUCT, "name": "Sandals"},
    ],
}  # fmt: skip

# For each element with text of its own: its words, the size of its letters, and the contrast (WCAG 2.2, 1.4.3) with
# what is behind it; for each link that looks like a button, its height.
MEASURE = """() => {
  const rgba = text => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const found = rgba(getComputedStyle(at).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const texts = [], buttons = [], broken = [];
  for (const element of document.body.querySelectorAll('*')) {
    const style = getComputedStyle(element), box = element.getBoundingClientRect();
    if (!box.width || !box.height || style.opacity === '0') continue;
    const words = [...element.childNodes].filter(node => node.nodeType === 3).map(node => node.data.trim());
    const own = words.join(' ').trim();
    if (own) {
      const [one, other] = [light(rgba(style.color)), light(behind(element))].sort((a, b) => b - a);
      texts.push([own.slice(0, 40), parseFloat(style.fontSize), (one + 0.05) / (other + 0.05)]);
    }
    if (element.tagName === 'TH' && box.height > 1.8 * parseFloat(style.lineHeight) + 10) broken.push(own);
    if (element.tagName === 'A' && own && parseFloat(style.paddingTop) > 4) buttons.push([own, box.height]);
  }
  return {texts, buttons, broken, wide: document.documentElement.scrollWidth};
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium")  # screenshots need a browser, which no package registry of Python has
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


def opened(browser: Browser, width: int, scheme: Literal["light", "dark"] = "light") -> Page:
    """A page of a width that fetches nothing."""
    page = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme).new_page()
    page.route("**/*", lambda route: route.abort())
    return page


def mail(starter: str, language: str) -> str:
    """The HTML that a reader gets."""
    subject = starters.said_of(starter)[language]["subject"]
    body = checks.prepared(Written(subject, mjml=starters.source(starter, language)), language)
    blocks = partial(starters.block, language=language)
    return checks.compiled(body, language, blocks, addresses.of(DATA)).preview(DATA).html


def test_starters_look_right_on_a_telephone_and_on_a_desk(browser: Browser) -> None:
    pages = {width: opened(browser, width) for width in WIDTHS}
    for starter in starters.names():
        for language in (starters.LANGUAGE, *starters.OTHERS):
            html = mail(starter, language)
            for width, page in pages.items():
                page.set_content(html, wait_until="domcontentloaded")
                seen, where = page.evaluate(MEASURE), (starter, language, width)
                assert seen["wide"] <= width, where
                assert len(seen["texts"]) >= 8, where
                assert [text for text in seen["texts"] if text[1] < 14] == [], where
                assert [text for text in seen["texts"] if text[2] < 4.5] == [], where
                assert seen["broken"] == [], where
                assert seen["buttons"], where
                assert [button for button in seen["buttons"] if button[1] < 44] == [], where
    for width, page in pages.items():
        page.set_content(mail("promotion", "en"), wait_until="domcontentloaded")
        picture = page.screenshot(full_page=True)
        assert struct.unpack(">II", picture[16:24])[0] == width  # PNG: width and height follow the first chunk's name


def test_starters_can_be_read_in_dark_mode(browser: Browser) -> None:
    page = opened(browser, WIDTHS[0], "dark")
    for starter in starters.names():
        page.set_content(mail(starter, "en"), wait_until="domcontentloaded")

        seen = page.evaluate(MEASURE)

        assert [text for text in seen["texts"] if text[2] < 4.5] == [], starter
        assert (
            page.evaluate("getComputedStyle(document.body.querySelector('.card')).backgroundColor") == "rgb(31, 41, 55)"
        )


def test_a_mail_that_is_too_wide_too_small_or_too_pale_is_caught(browser: Browser) -> None:
    page = opened(browser, WIDTHS[0])
    page.set_content('<table width="700"><tr><td style="font-size:11px;color:#aaa">Hi</td></tr></table>')

    seen = page.evaluate(MEASURE)

    ((words, size, contrast),) = seen["texts"]
    assert seen["wide"] > WIDTHS[0]
    assert (words, size, contrast < 4.5) == ("Hi", 11, True)
