"""Documents as Amazon Pinpoint's API returns them."""

from typing import Any

APP = "810c7aab86d42fb2b56c8c966example"
ARN = f"arn:aws:mobiletargeting:us-east-1:123456789012:apps/{APP}"


def segment(key: str, name: str, *groups: dict[str, Any], include: str = "ALL", **more: Any) -> dict[str, Any]:
    """A dynamic segment of these groups (GetSegment)."""
    return {
        "SegmentResponse": {
            "ApplicationId": APP, "Arn": f"{ARN}/segments/{key}", "CreationDate": "2024-01-02T03:04:05.678Z", "Id": key,
            "LastModifiedDate": "2024-01-02T03:04:05.678Z", "Name": name, "SegmentType": "DIMENSIONAL", "Version": 1,
            "SegmentGroups": {"Groups": list(groups), "Include": include}, **more,
        }
    }  # fmt: skip


def group(
    *dimensions: dict[str, Any], sources: tuple[str, ...] = (), how: str = "ALL", source_type: str = "ALL"
) -> dict[str, Any]:
    return {
        "Dimensions": list(dimensions), "SourceSegments": [{"Id": key, "Version": 1} for key in sources],
        "SourceType": source_type, "Type": how,
    }  # fmt: skip


def attribute(*values: str, kind: str = "INCLUSIVE") -> dict[str, Any]:
    return {"AttributeType": kind, "Values": list(values)}


def campaign(key: str, name: str, segment_id: str, **more: Any) -> dict[str, Any]:
    """A one-time e-mail campaign (GetCampaign)."""
    mail = {
        "Title": "Hello {{User.UserAttributes.FirstName}}", "FromAddress": "Acme <news@acme.example>",
        "HtmlBody": "<p>Hi {{User.UserAttributes.FirstName.[0]}}, <a href='https://shop.example/sale'>look</a></p>",
    }  # fmt: skip
    return {
        "CampaignResponse": {
            "AdditionalTreatments": [], "ApplicationId": APP, "Arn": f"{ARN}/campaigns/{key}", "Id": key, "Name": name,
            "CreationDate": "2024-01-02T03:04:05.678Z", "HoldoutPercent": 0, "Hook": {}, "IsPaused": False,
            "LastModifiedDate": "2024-01-02T03:04:05.678Z", "Limits": {}, "SegmentId": segment_id, "SegmentVersion": 1,
            "Schedule": {"Frequency": "ONCE", "IsLocalTime": False, "StartTime": "IMMEDIATE", "Timezone": "UTC"},
            "State": {"CampaignStatus": "COMPLETED"}, "Version": 1, "MessageConfiguration": {"EmailMessage": mail},
            **more,
        }
    }  # fmt: skip


def template(name: str, **more: Any) -> dict[str, Any]:
    """An e-mail template (GetEmailTemplate)."""
    return {
        "EmailTemplateResponse": {
            "Arn": f"arn:aws:mobiletargeting:us-east-1:123456789012:templates/{name}/EMAIL", "TemplateName": name,
            "CreationDate": "2024-01-02T03:04:05.678Z", "LastModifiedDate": "2024-01-02T03:04:05.678Z", "Version": "2",
            "TemplateType": "EMAIL", "Subject": "News for {{User.UserAttributes.FirstName}}",
            "HtmlPart": "<h1>Hello {{User.UserAttributes.FirstName}}</h1><p>{{Attributes.City.[0]}}</p>",
            "DefaultSubstitutions": '{"User.UserAttributes.FirstName": "friend"}', **more,
        }
    }  # fmt: skip
