"""Take SES's reports of bounces, complaints, rejects and delays from Amazon SNS."""

from drumbeat.aws import client
from drumbeat.feedback import certificates, incoming, signatures
from drumbeat.feedback.certificates import SigningCertificate
from drumbeat.http import Request
from drumbeat.sends.work import FEEDBACK, INCIDENTS
from drumbeat.url import url


@url(
    topics=(INCIDENTS,),
    reads=(SigningCertificate,),
    writes=(SigningCertificate,),
    sends=(FEEDBACK,),
    calls=("sns:ConfirmSubscription",),
)
def handler(request: Request) -> dict[str, bool]:
    """400 for what is no message of SNS, 403 `WRONG_TOPIC` and `BAD_SIGNATURE`, 503 without the certificate."""
    topics = (signatures.own_topic(INCIDENTS),)
    notice = signatures.verified(request.raw, topics, certificates.current)
    if notice.kind == "Notification":
        return {"taken": incoming.take(notice.message)}
    if notice.kind == "SubscriptionConfirmation":
        # By the SDK: an address that a message names is never fetched.
        client("sns").confirm_subscription(TopicArn=notice.topic, Token=notice.token, AuthenticateOnUnsubscribe="true")
        return {"confirmed": True}
    return {"taken": False}
