"""The signature of SendGrid's event webhook: ECDSA on P-256 with SHA-256 over the timestamp and the body's exact bytes
(twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features).

A report that comes late is taken all the same: when SendGrid tries again, it may be with the first timestamp, and a
report that is refused for its age would be lost. To apply one twice does no harm.
"""

import base64
from collections.abc import Mapping

from drumbeat import clock
from drumbeat.channels.email import sendgrid
from drumbeat.feedback.signatures import BadSignature

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
# Seconds after which a report is late: what SendGrid's own libraries think of as fresh.
FRESH = 300


def verify(key: str, headers: Mapping[str, str], raw: bytes) -> bool:
    """Whether the report is a fresh one. Raises BadSignature for what this key has not signed."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    timestamp, given = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not given or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        raise BadSignature("This report is not signed; switch the signed event webhook on in SendGrid's settings.")
    try:
        signature = base64.b64decode(given, validate=True)
        sendgrid.public_key(key).verify(signature, timestamp.encode() + raw, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError) as error:
        raise BadSignature("The signature does not fit the report, or is another account's.") from error
    return abs(clock.wall().timestamp() - int(timestamp)) <= FRESH
