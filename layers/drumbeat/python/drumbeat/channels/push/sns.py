"""Amazon SNS mobile push: one Publish a notification, to the endpoint of a device.

A contact's push token is a device's token, as the app got it from Apple or Google, or an endpoint's ARN. SNS sends to
endpoints only; `CreatePlatformEndpoint` gives a token's, however often it is asked, costs nothing, and is asked when an
instance first meets a token. So a token is kept with its contact and at SNS, and nowhere else.

Platform applications belong to the deployment's AWS account: their names begin with `drumbeat-<tenant>-`, so that no
tenant sends through another one's. SNS has one message a call (PublishBatch is for topics), and tells neither a rate
nor what became of a notification: the app reports that it was opened (`push.opened`).
"""

import re
from collections import OrderedDict
from typing import Annotated, Any

from botocore.exceptions import ClientError
from pydantic import Field, StringConstraints, model_validator

from drumbeat import channels
from drumbeat.aws import client
from drumbeat.channels import Account, Call, Capacity, amazon
from drumbeat.channels.outcomes import CallResult, CallState, Entry, Fate
from drumbeat.channels.push import payloads
from drumbeat.fields import Body, FieldNeeded

MOST_RECIPIENTS = 1
CREDENTIALS: tuple[str, ...] = ()
CALLS: tuple[str, ...] = ("sns:CreatePlatformEndpoint", "sns:Publish")
READ_TIMEOUT = 15
_KEPT = 2_000
# A token of Apple's is hexadecimal digits; one of Google's has other letters, too.
_APPLE = re.compile(r"[0-9a-fA-F]{64,200}\Z")
# What CreatePlatformEndpoint says of a token that it knows with other attributes (docs.aws.amazon.com/sns/latest/dg/
# mobile-platform-endpoint.html).
_KNOWN = re.compile(r"Endpoint (arn:\S+) already exists with the same Token")
# What is over for a token: the app is gone from the device, or its token has changed.
_GONE = {"EndpointDisabled": "endpoint_disabled", "EndpointDisabledException": "endpoint_disabled"}
_NOT_FOUND = frozenset({"NotFound", "NotFoundException"})
# How Publish says it of an endpoint that was deleted: InvalidParameter, "Invalid parameter: TargetArn Reason: …".
_NO_ENDPOINT = "No endpoint found"
_INVALID = frozenset({"InvalidParameter", "InvalidParameterException", "ParameterValueInvalid", "ValidationError"})

ask = None
_endpoints: OrderedDict[tuple[str, str], str] = OrderedDict()

Application = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:app/(APNS|APNS_SANDBOX|GCM)/[A-Za-z0-9_.-]{1,256}$"
    ),
]


class Config(Body):
    """An account's platform applications at SNS, in the AWS account of this deployment, with names that begin with
    `drumbeat-<tenant>-`; and how many notifications a second leave."""

    ios_application: Application | None = None
    android_application: Application | None = None
    per_second: float = Field(default=100.0, gt=0, le=10_000)

    @model_validator(mode="after")
    def _one(self) -> "Config":
        if not self.ios_application and not self.android_application:
            raise FieldNeeded("ios_application", "is needed, or android_application: whom notifications leave by")
        return self


CONFIG = Config


def capacity(account: Account) -> Capacity:
    return Capacity(Config.model_validate(account.config).per_second)


def fitting(call: Call) -> int:
    """One: a Publish has one target."""
    return 1


def send(call: Call) -> CallResult:
    """Send once, and say what the answer means."""
    message = call.messages[0]
    applications = _applications(call.account)
    if not applications:
        return CallResult(CallState.ACCOUNT, reason="not_your_application")
    whole, said = call.whole(message), call.said.get("notification") or {}
    try:
        text = payloads.message(whole.subject, whole.text, said, channels.message_id(message.tags))
    except payloads.TooLong:
        return _rejected("notification_too_long")
    endpoint = _endpoint(applications, message.to)
    if isinstance(endpoint, CallResult):
        return endpoint
    answer = _published(endpoint, text, asked=message.to == endpoint)
    if isinstance(answer, CallResult):
        return answer
    return CallResult(CallState.ANSWERED, [Entry(Fate.ACCEPTED, message_id=answer["MessageId"])])


def _applications(account: Account) -> dict[str, str]:
    """The account's applications by platform (`ios`, `android`), those that are its tenant's."""
    said = Config.model_validate(account.config)
    found = {"ios": said.ios_application, "android": said.android_application}
    own = f"drumbeat-{account.tenant}-"
    return {name: arn for name, arn in found.items() if arn and arn.rsplit("/", 1)[1].startswith(own)}


def _endpoint(applications: dict[str, str], token: str) -> str | CallResult:
    """The ARN of a token's endpoint, or what it means that there is none."""
    if token.startswith("arn:"):
        own = any(token.startswith(arn.replace(":app/", ":endpoint/") + "/") for arn in applications.values())
        return token if own else _rejected("endpoint_of_another_application")
    wanted = "ios" if _APPLE.match(token) else "android"
    application = applications.get(wanted) or next(iter(applications.values()))
    key = application, token
    if key not in _endpoints:
        sns = client("sns", tries=1, read_timeout=READ_TIMEOUT)
        made = amazon.asked(
            lambda: sns.create_platform_endpoint(PlatformApplicationArn=application, Token=token), _not_made
        )
        if isinstance(made, CallResult):
            return made
        _endpoints[key] = made["EndpointArn"]
        if len(_endpoints) > _KEPT:
            _endpoints.popitem(last=False)
    return _endpoints[key]


def _not_made(error: ClientError) -> Any:
    """An endpoint that is there with other attributes is the token's; SNS says which it is."""
    known = _KNOWN.search(error.response["Error"].get("Message", ""))
    if known:
        return {"EndpointArn": known[1]}
    code = error.response["Error"]["Code"]
    if code in _INVALID and "Token" in error.response["Error"].get("Message", ""):
        return _gone("invalid_token")
    # Nothing was published, whatever became of this call.
    usual = amazon.usual(error)
    if usual is not None and usual.state != CallState.UNKNOWN:
        return usual
    return CallResult(CallState.NOT_SENT if usual else CallState.ACCOUNT, reason=code)


def _published(endpoint: str, text: str, *, asked: bool) -> Any:
    """SNS's answer, or what it means that there is none. `asked`: the endpoint itself is the contact's token."""

    def refused(error: ClientError) -> CallResult:
        code, why = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        unknown = code in _NOT_FOUND or (code in _INVALID and _NO_ENDPOINT in why)
        if code in _GONE:
            return _gone(_GONE[code])
        if unknown and not asked:  # it was deleted since this instance asked for it
            forget()
            return CallResult(CallState.ANSWERED, [Entry(Fate.AGAIN, reason="endpoint_not_found")])
        if unknown:
            return _gone("endpoint_not_found")
        if code in _INVALID:
            return _rejected(code)
        return amazon.usual(error) or CallResult(CallState.ACCOUNT, reason=code)

    sns = client("sns", tries=1, read_timeout=READ_TIMEOUT)
    return amazon.asked(lambda: sns.publish(TargetArn=endpoint, Message=text, MessageStructure="json"), refused)


def _gone(reason: str) -> CallResult:
    return CallResult(CallState.ANSWERED, [Entry(Fate.REJECTED, reason=reason, gone=True)], reason=reason)


def _rejected(reason: str) -> CallResult:
    return CallResult(CallState.ANSWERED, [Entry(Fate.REJECTED, reason=reason)], reason=reason)


def forget() -> None:
    """Drop the endpoints that this instance knows."""
    _endpoints.clear()
