"""Opens and clicks that no person made: prefetching mail proxies, and scanners that follow every link.

Both are stored with a flag and shown; money, branches and winners use human ones.
"""

import re

# Scanners follow links while or right after they deliver; people need longer to read (Twilio SendGrid and Validity
# describe bot clicks within seconds of delivery).
SOONEST_HUMAN_CLICK = 5.0
# Following all of two links is what a keen reader does as well.
FEWEST_LINKS_OF_A_SCANNER = 3

# Apple's Mail Privacy Protection fetches images through proxies that say exactly this and no more.
_APPLE_PROXY = "Mozilla/5.0"
# (Cubot is a maker of telephones. Gmail's image proxy is not here: it fetches when a person opens the mail.)
_PREFETCHING = re.compile(
    r"YahooMailProxy|YahooCacheSystem|BingPreview|Barracuda|Proofpoint|Mimecast|FireEye|Symantec|"
    r"MessageLabs|Forcepoint|Sophos|TrendMicro|Fortinet|SafeLinks|urldefense|IronPort|Cloudmark|Cisco|ZScaler|"
    r"Slackbot|facebookexternalhit|WhatsApp|TelegramBot|SkypeUriPreview|Discordbot|Twitterbot|LinkedInBot|"
    r"(?<!cu)bot\b|crawler|spider|scanner|HeadlessChrome|PhantomJS|Puppeteer|Playwright|"
    r"^curl/|^wget/|python-requests|python-urllib|aiohttp|httpx|Go-http-client|okhttp|^Java/|Apache-HttpClient|"
    r"libwww-perl|^Ruby|axios/|node-fetch|Guzzle|PostmanRuntime",
    re.IGNORECASE,
)


def is_machine_open(user_agent: str | None) -> bool:
    """Whether a pixel was fetched by a machine. No user agent at all is none of a mail client."""
    text = (user_agent or "").strip()
    return not text or text == _APPLE_PROXY or _PREFETCHING.search(text) is not None


def is_machine_click(
    user_agent: str | None, seconds_since_delivery: float | None, distinct_links: int, all_links: int
) -> bool:
    """Whether a link was followed by a machine: it says so, comes too soon, or followed all links of the message.

    `distinct_links` counts the different links that this recipient has followed, this one included; `all_links` are
    those of the message. `seconds_since_delivery` are real seconds; None when the delivery is not known (yet).
    """
    if is_machine_open(user_agent):
        return True
    if seconds_since_delivery is not None and seconds_since_delivery < SOONEST_HUMAN_CLICK:
        return True
    return all_links >= FEWEST_LINKS_OF_A_SCANNER and distinct_links >= all_links
