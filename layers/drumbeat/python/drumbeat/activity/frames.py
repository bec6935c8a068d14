"""The `data` of the events that we publish (integration-guide.md, Event Schemas): pure builders, key by key.

`events.frame` and the forwarder put the frame around it; the JSON Schemas are in events/schemas/.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from urllib.parse import unquote

from drumbeat import clock, money
from drumbeat.activity.devices import device_type as device_type
from drumbeat.channels import Channel

BounceType = Literal["hard", "soft"]
# Who tells where a request came from, in the order of trust: CloudFront in front of the API, then other proxies.
_COUNTRY_HEADERS = ("cloudfront-viewer-country", "cf-ipcountry", "x-country-code", "x-country")
_CITY_HEADERS = ("cloudfront-viewer-city", "cf-ipcity", "x-city")
# Cloudflare says XX for an unknown country and T1 for Tor.
_NO_COUNTRY = ("XX", "T1")


def location(headers: Mapping[str, str]) -> dict[str, str | None]:
    """The documented location, from what the proxy in front of us says (names in lower case); null where none does."""
    country = _first(headers, _COUNTRY_HEADERS)
    known = country is not None and re.fullmatch(r"[A-Za-z]{2}", country) and country.upper() not in _NO_COUNTRY
    city = _first(headers, _CITY_HEADERS)
    return {
        "country": country.upper() if known and country else None,
        "city": unquote(city)[:128] if city and known else None,
    }


def _first(headers: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((headers[name].strip() for name in names if headers.get(name, "").strip()), None)


def message(
    channel: Channel, campaign_id: str | None, customer_id: str, address: str, message_id: str
) -> dict[str, Any]:
    """`marketing.<channel>.sent`, `.delivered`, `.complained` and `.unsubscribed`; the others build on it."""
    return {
        "campaign_id": campaign_id, "customer_id": customer_id, channel.address_name: address, "message_id": message_id
    }  # fmt: skip


def opened(
    message: Mapping[str, Any], ip_address: str | None, user_agent: str | None, headers: Mapping[str, str]
) -> dict[str, Any]:
    """`marketing.email.opened`; `message` is what `message` gave, `headers` are those of the request for the pixel."""
    return {
        **message,
        "ip_address": ip_address,
        "user_agent": user_agent,
        "device_type": device_type(user_agent),
        "location": location(headers),
    }


def clicked(
    message: Mapping[str, Any], ip_address: str | None, user_agent: str | None, headers: Mapping[str, str], url: str
) -> dict[str, Any]:
    """`marketing.email.clicked`: an open with the link's target."""
    return {**opened(message, ip_address, user_agent, headers), "url": url}


def bounced(message: Mapping[str, Any], bounce_type: BounceType, reason: str | None) -> dict[str, Any]:
    """`marketing.email.bounced`; `reason` is the provider's words (SMTP status and diagnostic)."""
    return {**message, "bounce_type": bounce_type, "reason": reason}


def replied(message: Mapping[str, Any], reply_id: str, text: str, media: int) -> dict[str, Any]:
    """`marketing.sms.replied`; `message` is what was replied to, `reply_id` the provider's id of the reply."""
    return {**message, "reply_id": reply_id, "text": text, "media_count": media}


def customer_converted(
    customer_id: str, campaign_id: str, conversion_type: str, value_minor: int, currency: str, touches: Sequence[str]
) -> dict[str, Any]:
    """`marketing.customer.converted`. `touches` are the campaigns that led to it, in the order of their first contact;
    the linear model gives each the same share, and what cannot be divided to the first ones."""
    share, rest = divmod(value_minor, len(touches))
    values = [share + (place < rest) for place in range(len(touches))]
    return {
        "customer_id": customer_id,
        "campaign_id": campaign_id,
        "conversion_type": conversion_type,
        "value": money.shown(value_minor, currency),
        "currency": currency,
        "attribution": {
            "first_touch": touches[0],
            "last_touch": campaign_id,
            "model": "linear",
            "touches": [
                {"campaign_id": touch, "value": money.shown(value, currency)}
                for touch, value in zip(touches, values, strict=True)
            ],
        },
    }


def conversion_tracked(
    converted: Mapping[str, Any], conversion_id: str, occurred_at: datetime, clicked_at: datetime
) -> dict[str, Any]:
    """`marketing.conversion.tracked`: what `customer_converted` gave, with the event that it was and the click before
    it."""
    return {
        **converted,
        "conversion_id": conversion_id,
        "occurred_at": clock.iso(occurred_at),
        "clicked_at": clock.iso(clicked_at),
    }


def campaign_launched(
    campaign_id: str,
    name: str,
    channel: str,
    *,
    segment_id: str | None,
    segment_size: int,
    start: datetime,
    time_zone: str,
    budget_minor: int,
    currency: str,
) -> dict[str, Any]:
    """`marketing.campaign.launched`. `segment_size` is the frozen audience; a campaign without a budget has 0."""
    return {
        "campaign_id": campaign_id,
        "name": name,
        "type": channel,
        "segment_id": segment_id,
        "segment_size": segment_size,
        "schedule": {"start_date": clock.iso(start), "timezone": time_zone},
        "budget": {"total": money.shown(budget_minor, currency), "currency": currency},
    }


def campaign_completed(
    campaign_id: str,
    name: str,
    channel: str,
    *,
    segment_id: str | None,
    segment_size: int,
    status: str,
    started_at: datetime,
    completed_at: datetime,
    counts: Mapping[str, int],
) -> dict[str, Any]:
    """`marketing.campaign.completed`: `status` is sent, cancelled or expired; `counts` by what happened to the messages
    (sent, delivered, bounced, rejected, unknown, skipped, …) as known at that moment."""
    return {
        "campaign_id": campaign_id,
        "name": name,
        "type": channel,
        "segment_id": segment_id,
        "segment_size": segment_size,
        "status": status,
        "started_at": clock.iso(started_at),
        "completed_at": clock.iso(completed_at),
        "counts": dict(counts),
    }
