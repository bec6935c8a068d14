"""What a user agent says of its reader: the kind of device, its system, and the mail client or browser.

A short rule instead of a library: those know thousands of models by regular expressions that take longer to load than
a worker's batch takes, and reports need three words. What it cannot know is `unknown`: Gmail and Yahoo fetch images
through proxies that hide the device, and an iPad in desktop mode calls itself a Macintosh (Apple, since iPadOS 13).
"""

import re
from typing import Literal, NamedTuple

Device = Literal["desktop", "mobile", "tablet", "unknown"]

# Image proxies make up a user agent for everyone; it says nothing of the reader's device.
_PROXY = re.compile(r"GoogleImageProxy|YahooMailProxy", re.IGNORECASE)
_TABLET = re.compile(
    r"ipad|tablet|kindle|silk/|playbook|nexus (?:7|9|10)\b|sm-t\d|\bandroid\b(?!.*\bmobile\b)", re.IGNORECASE
)
_MOBILE = re.compile(r"iphone|ipod|\bmobile\b|windows phone|blackberry|\bbb10\b|opera mini|android", re.IGNORECASE)
_DESKTOP = re.compile(r"windows nt|macintosh|x11|cros |linux x86_64|outlook|thunderbird", re.IGNORECASE)

# The first that fits: systems name the one that they descend from as well.
_SYSTEMS = (
    ("windows_phone", re.compile(r"windows phone", re.IGNORECASE)),
    ("ios", re.compile(r"iphone|ipad|ipod", re.IGNORECASE)),
    ("android", re.compile(r"android|silk/|kindle", re.IGNORECASE)),
    ("windows", re.compile(r"windows nt", re.IGNORECASE)),
    ("macos", re.compile(r"macintosh|mac os x|macoutlook", re.IGNORECASE)),
    ("chromeos", re.compile(r"\bcros ", re.IGNORECASE)),
    ("linux", re.compile(r"linux|x11", re.IGNORECASE)),
)
_CLIENTS = (
    ("gmail", re.compile(r"GoogleImageProxy", re.IGNORECASE)),
    ("yahoo_mail", re.compile(r"YahooMailProxy", re.IGNORECASE)),
    ("outlook", re.compile(r"outlook|ms-?office|microsoft office", re.IGNORECASE)),
    ("thunderbird", re.compile(r"thunderbird", re.IGNORECASE)),
    ("samsung_internet", re.compile(r"SamsungBrowser", re.IGNORECASE)),
    ("edge", re.compile(r"\bEdg(?:e|A|iOS)?/")),
    ("opera", re.compile(r"\bOPR/|\bOPT/|Opera", re.IGNORECASE)),
    ("firefox", re.compile(r"Firefox/|FxiOS/", re.IGNORECASE)),
    ("chrome", re.compile(r"Chrome/|CriOS/", re.IGNORECASE)),
    ("safari", re.compile(r"Safari/")),
    # Apple's mail client is its web view, which says neither Safari nor a version.
    ("apple_mail", re.compile(r"(?:iPhone|iPad|iPod|Macintosh).*AppleWebKit/")),
)


class Reader(NamedTuple):
    """Who fetched a pixel or followed a link. `client` is the mail client of an open, the browser of a click."""

    device: str
    system: str
    client: str


UNKNOWN = Reader("unknown", "unknown", "unknown")
# Their places are stored in the marks of sends, so a new name goes to the end. Unknown is the largest code, so
# that of two opens in an hour the one that says something counts.
DEVICES = ("mobile", "tablet", "desktop")
SYSTEMS = ("ios", "android", "windows", "macos", "linux", "chromeos", "windows_phone")
CLIENTS = (
    "apple_mail", "gmail", "outlook", "thunderbird", "yahoo_mail", "samsung_internet", "edge", "opera", "firefox",
    "chrome", "safari",
)  # fmt: skip
_MOST = (4, 10, 25)
CODES = _MOST[0] * _MOST[1] * _MOST[2]


def device_type(user_agent: str | None) -> Device:
    """What kind of device a user agent says that it is."""
    text = user_agent or ""
    if _PROXY.search(text):
        return "unknown"
    if _TABLET.search(text):
        return "tablet"
    if _MOBILE.search(text):
        return "mobile"
    return "desktop" if _DESKTOP.search(text) else "unknown"


def reader(user_agent: str | None) -> Reader:
    """Device, system and client by the user agent."""
    text = user_agent or ""
    hidden = _PROXY.search(text) is not None
    return Reader(device_type(text), "unknown" if hidden else _first(_SYSTEMS, text), _first(_CLIENTS, text))


def _first(rules: tuple[tuple[str, re.Pattern[str]], ...], text: str) -> str:
    return next((name for name, pattern in rules if pattern.search(text)), "unknown")


def code(who: Reader) -> int:
    """The reader as a number below `CODES`."""
    number = 0
    for name, known, most in zip(who, (DEVICES, SYSTEMS, CLIENTS), _MOST, strict=True):
        number = number * most + (known.index(name) if name in known else most - 1)
    return number


def decoded(number: int) -> Reader:
    """The reader of a code."""
    rest, client = divmod(number, _MOST[2])
    device, system = divmod(rest, _MOST[1])
    return Reader(_name(DEVICES, device), _name(SYSTEMS, system), _name(CLIENTS, client))


def _name(known: tuple[str, ...], place: int) -> str:
    return known[place] if place < len(known) else "unknown"
