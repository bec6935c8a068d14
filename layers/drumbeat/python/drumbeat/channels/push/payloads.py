"""What a notification looks like to Apple's and Google's services, as Amazon SNS takes it. Pure.

docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html (a JSON text for each
platform, and `default`) and sns-fcm-v1-payloads.html; developer.apple.com/documentation/usernotifications/
generating-a-remote-notification; firebase.google.com/docs/reference/fcm/rest/v1/projects.messages. Both carry 4,096
bytes.

The app finds `message_id` in the data, and sends it back with `push.opened` (POST /v1/events); `link` is where it goes
when the notification is tapped.
"""

import json
from collections.abc import Mapping
from typing import Any

MOST_BYTES = 4_096
APPLE, GOOGLE = ("APNS", "APNS_SANDBOX"), ("GCM",)


class TooLong(ValueError):
    """The notification is longer than the platforms carry."""


def message(title: str, text: str, said: Mapping[str, Any], message_id: str | None) -> str:
    """The `Message` of a Publish call. `said` is a campaign's `notification`: `data` (texts by name), `link` and
    `image_url`, each if it likes. Raises TooLong."""
    data = {str(name): str(value) for name, value in (said.get("data") or {}).items()}
    data |= {name: value for name, value in (("link", said.get("link")), ("message_id", message_id)) if value}
    payloads = dict.fromkeys(APPLE, _apple(title, text, said, data)) | dict.fromkeys(
        GOOGLE, _google(title, text, said, data)
    )
    if any(len(payload.encode()) > MOST_BYTES for payload in payloads.values()):
        raise TooLong
    return _compact({"default": text, **payloads})


def _apple(title: str, text: str, said: Mapping[str, Any], data: Mapping[str, str]) -> str:
    """With an image, an extension of the app may change the notification before it is shown."""
    image = said.get("image_url")
    alert = {"title": title, "body": text} if title else {"body": text}
    own = {"alert": alert, "sound": "default", **({"mutable-content": 1} if image else {})}
    return _compact({**data, **({"image_url": image} if image else {}), "aps": own})


def _google(title: str, text: str, said: Mapping[str, Any], data: Mapping[str, str]) -> str:
    shown = {"title": title, "body": text, "image": said.get("image_url")}
    notification = {name: value for name, value in shown.items() if value}
    return _compact({"fcmV1Message": {"message": {"notification": notification, "data": dict(data)}}})


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
