"""What a form sent, in either encoding: RFC 8058 wants one-click requests as multipart/form-data."""

import re
from email import policy
from email.parser import BytesParser
from urllib.parse import parse_qsl

MOST_BYTES = 65_536


def fields(content_type: str, raw: bytes) -> dict[str, str]:
    """The fields of a form by name, the last of each; empty for a body that is no form."""
    raw = raw[:MOST_BYTES]
    if content_type.lower().startswith("multipart/form-data"):
        return _multipart(content_type, raw)
    return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))


def _multipart(content_type: str, raw: bytes) -> dict[str, str]:
    head = re.sub(r"[\r\n]", "", content_type).encode("latin-1", "replace")
    message = BytesParser(policy=policy.HTTP).parsebytes(b"Content-Type: " + head + b"\r\n\r\n" + raw)
    found = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            found[name] = payload.decode("utf-8", "replace")
    return found


def is_one_click(sent: dict[str, str]) -> bool:
    """Whether this is what a mail program posts for its unsubscribe button."""
    return sent.get("List-Unsubscribe") == "One-Click"
