"""Amazon SES v2's sending identities, with what belongs to each: a configuration set and its tenant in SES.

Everything here may be done again: what exists already and is ours is as good as made. Whose an identity is, its tag
says, because SES has one list of identities for the whole account.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drumbeat.aws import client
from drumbeat.channels.email.ses import CONFIGURATION_SET
from drumbeat.errors import Conflict, Unavailable

TAG = "drumbeat-tenant"
DKIM_ZONE = "dkim.amazonses.com"
# The event types of each topic that a configuration set reports to; infra's catalogue has the same.
EVENTS: dict[str, tuple[str, ...]] = {
    "deliveries": ("DELIVERY",),
    "bounces": ("BOUNCE", "COMPLAINT", "REJECT", "DELIVERY_DELAY", "RENDERING_FAILURE"),
}
# Actions of IAM that the functions here need, for `calls=`.
CREATES = (
    "ses:CreateEmailIdentity", "ses:GetEmailIdentity", "ses:DeleteEmailIdentity",
    "ses:PutEmailIdentityMailFromAttributes", "ses:TagResource", "ses:CreateConfigurationSet",
    "ses:CreateConfigurationSetEventDestination", "ses:CreateTenant", "ses:CreateTenantResourceAssociation",
    "ses:GetAccount",
)  # fmt: skip
LOOKS = ("ses:GetEmailIdentity",)
REMOVES = (
    "ses:GetEmailIdentity", "ses:DeleteEmailIdentity", "ses:DeleteConfigurationSet",
    "ses:DeleteTenantResourceAssociation",
)  # fmt: skip


class IdentityTaken(Conflict):
    """Somebody else in this deployment's SES account has the domain or address."""

    code = "IDENTITY_TAKEN"


@dataclass(frozen=True, slots=True)
class Status:
    """What SES says of an identity: whose it is by its tag, whether it may send, its Easy DKIM tokens with their zone,
    its MAIL FROM domain and the state of that."""

    owner: str | None

    verified: bool
    failed: bool
    tokens: tuple[str, ...]
    zone: str
    mail_from: str | None
    mail_from_state: str | None


def ensure_tenant(tenant: str) -> None:
    """SES's own tenant: reputation and pausing are then apart from other tenants'. Raises Unavailable."""
    _made("create_tenant", TenantName=tenant, Tags=_tags(tenant))


def ensure_configuration_set(name: str) -> None:
    """A configuration set that reports to our topics and neither asks nor fills a suppression list of SES's.

    The account's list would block an address for every tenant because of one tenant's bounce; whom a tenant must not
    write to, its own list in the table says. With no reasons SES does not look at a list at all
    (docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list-tenant-level.html). Raises Unavailable.
    """
    wanted: dict[str, Any] = {
        "ConfigurationSetName": name,
        "ReputationOptions": {"ReputationMetricsEnabled": True},
        "SendingOptions": {"SendingEnabled": True},
        "SuppressionOptions": {"SuppressedReasons": []},
    }
    if _has_vdm():
        # Virtual Deliverability Manager is charged by mail; what it would tell is in our own figures.
        off = "DISABLED"
        wanted["VdmOptions"] = {
            "DashboardOptions": {"EngagementMetrics": off}, "GuardianOptions": {"OptimizedSharedDelivery": off},
        }  # fmt: skip
    _made("create_configuration_set", **wanted)
    for topic, kinds in EVENTS.items():
        _made(
            "create_configuration_set_event_destination",
            ConfigurationSetName=name,
            EventDestinationName=topic,
            EventDestination={
                "Enabled": True,
                "MatchingEventTypes": list(kinds),
                "SnsDestination": {"TopicArn": f"{_arns().replace(':ses:', ':sns:')}:{CONFIGURATION_SET}-{topic}"},
            },
        )


def ensure_identity(name: str, tenant: str, configuration_set: str, mail_from: str | None, *, replace: bool) -> Status:
    """The identity, signed with Easy DKIM. One that has failed is made anew, and with
    `replace` one that another tenant of ours left behind.

    Raises IdentityTaken for one that is somebody else's, and Unavailable.
    """
    request = {"EmailIdentity": name, "ConfigurationSetName": configuration_set, "Tags": _tags(tenant)}
    if not _made("create_email_identity", **request):
        owner = _owner(name)
        left_behind = replace and owner not in (tenant, None)
        # SES looks for the records of one that has failed only when it is made anew.
        if left_behind or (owner == tenant and (known := status(name)) is not None and known.failed):
            _gone("delete_email_identity", EmailIdentity=name)
            _made("create_email_identity", **request)
        elif owner != tenant:
            raise IdentityTaken(
                f"{name} is set up in this deployment by somebody else. If it is yours, ask the operator to release it "
                "or to share it."
            )
    if mail_from:
        _called(
            "put_email_identity_mail_from_attributes",
            EmailIdentity=name,
            MailFromDomain=mail_from,
            BehaviorOnMxFailure="USE_DEFAULT_VALUE",
        )
    found = status(name)
    if found is None:
        raise Unavailable("The mail provider does not know the identity yet. Send the same request again.")
    return found


def associate(tenant: str, name: str, configuration_set: str) -> None:
    """Let SES's tenant send with the identity and its configuration set. Raises Unavailable."""
    for arn in _owned(name, configuration_set):
        _made("create_tenant_resource_association", TenantName=tenant, ResourceArn=arn)


def status(name: str) -> Status | None:
    """What SES says of an identity; None when it has none of this name. Raises Unavailable."""
    found = _unless("NotFoundException", "get_email_identity", EmailIdentity=name)
    if found is None:
        return None
    dkim, sender = found.get("DkimAttributes", {}), found.get("MailFromAttributes", {})
    return Status(
        _tagged(found),
        bool(found.get("VerifiedForSendingStatus")),
        found.get("VerificationStatus") == "FAILED" or dkim.get("Status") == "FAILED",
        tuple(dkim.get("Tokens", ())),
        dkim.get("SigningHostedZone") or DKIM_ZONE,
        sender.get("MailFromDomain"),
        sender.get("MailFromDomainStatus"),
    )


def remove(tenant: str, name: str, configuration_set: str) -> None:
    """Take the identity and its configuration set away, if they are the tenant's. Raises Unavailable."""
    for arn in _owned(name, configuration_set):
        _gone("delete_tenant_resource_association", TenantName=tenant, ResourceArn=arn)
    if _owner(name) == tenant:
        _gone("delete_email_identity", EmailIdentity=name)
    _gone("delete_configuration_set", ConfigurationSetName=configuration_set)


def _owned(name: str, configuration_set: str) -> tuple[str, str]:
    return f"{_arns()}:identity/{name}", f"{_arns()}:configuration-set/{configuration_set}"


def _arns() -> str:
    """The beginning of our resources' ARNs, as the deployment says it."""
    return os.environ["SES_ARNS"]


def _tags(tenant: str) -> list[dict[str, str]]:
    return [{"Key": TAG, "Value": tenant}]


def _owner(name: str) -> str | None:
    """The tenant that an identity's tag names."""
    return _tagged(_unless("NotFoundException", "get_email_identity", EmailIdentity=name) or {})


def _tagged(found: dict[str, Any]) -> str | None:
    return next((tag["Value"] for tag in found.get("Tags", ()) if tag["Key"] == TAG), None)


def _has_vdm() -> bool:
    return bool(_called("get_account").get("VdmAttributes", {}).get("VdmEnabled") == "ENABLED")


def _made(operation: str, **request: Any) -> bool:
    """Whether it was made now; False when there is one already."""
    return _unless("AlreadyExistsException", operation, **request) is not None


def _gone(operation: str, **request: Any) -> None:
    _unless("NotFoundException", operation, **request)


def _unless(code: str, operation: str, **request: Any) -> dict[str, Any] | None:
    """The answer; None when SES refuses with this code."""
    try:
        return _called(operation, **request)
    except ClientError as error:
        if error.response["Error"]["Code"] == code:
            return None
        raise


def _called(operation: str, **request: Any) -> dict[str, Any]:
    """One call. Raises ClientError for a refusal that says something, Unavailable where the same may work later."""
    act: Callable[..., dict[str, Any]] = getattr(client("sesv2"), operation)
    try:
        return act(**request)
    except ClientError as error:
        status_code = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = error.response["Error"]["Code"]
        if status_code < 500 and status_code != 429 and code not in _LATER:
            raise
        raise Unavailable(f"The mail provider could not do it now ({code}). Send the same request again.") from error
    except BotoCoreError as error:
        raise Unavailable("The mail provider could not be reached. Send the same request again.") from error


_LATER = frozenset({"TooManyRequestsException", "ConcurrentModificationException", "ThrottlingException"})
