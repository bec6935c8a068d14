"""What is known of a reader by its user agent."""

import pytest
from drumbeat.activity import devices

MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
ANDROID = "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko)"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"


@pytest.mark.parametrize(
    ("user_agent", "reader"),
    [
        (MAC, ("desktop", "macos", "apple_mail")),
        (f"{MAC} Version/17.4 Safari/605.1.15", ("desktop", "macos", "safari")),
        (f"{ANDROID} SamsungBrowser/25.0 Chrome/121.0 Mobile Safari/537.36", ("mobile", "android", "samsung_internet")),
        (f"{ANDROID} Chrome/125.0 Mobile Safari/537.36", ("mobile", "android", "chrome")),
        ("Mozilla/5.0 (Linux; Android 13; SM-T970) Chrome/125.0 Safari/537.36", ("tablet", "android", "chrome")),
        (f"{WINDOWS} AppleWebKit/537.36 Chrome/125.0 Safari/537.36 Edg/125.0", ("desktop", "windows", "edge")),
        (f"{WINDOWS[:-1]}; rv:126.0) Gecko/20100101 Firefox/126.0", ("desktop", "windows", "firefox")),
        (f"{WINDOWS[:-1]}; rv:115.0) Gecko/20100101 Thunderbird/115.10", ("desktop", "windows", "thunderbird")),
        ("Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0)", ("desktop", "windows", "outlook")),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) Chrome/125.0 Safari/537.36", ("desktop", "chromeos", "chrome")),
        ("Mozilla/5.0 (Windows NT 5.1) Firefox/11.0 (via ggpht.com GoogleImageProxy)", ("unknown", "unknown", "gmail")),
        (None, ("unknown", "unknown", "unknown")),
    ],
)
def test_a_reader_and_its_code(user_agent: str | None, reader: tuple[str, str, str]) -> None:
    found = devices.reader(user_agent)
    assert found == reader
    assert devices.decoded(devices.code(found)) == found
    assert devices.code(found) < devices.CODES
