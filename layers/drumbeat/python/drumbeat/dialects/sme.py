"""sme-platform.md: `/api/v1`, camelCase, the envelope, statuses in upper case, rates in percent of what was sent."""

import html
from typing import Any

from drumbeat.dialects import Asked, Row
from drumbeat.errors import Invalid, Refusal

PREFIX = "/api/v1"
# What the document calls a state.
STATUSES = {"sending": "RUNNING", "sent": "COMPLETED"}
_CAMPAIGN = {
    "owner": "createdBy",
    "scheduled_at": "scheduledAt",
    "audience": "targetAudience",
    "audience.segments": "targetAudience.segment",
    "audience.filters": "targetAudience.filters",
    "subject": "content.subject",
    "html": "content.body",
    "template_id": "content.template",
}


def success(data: Any, message: str | None, request_id: str, at: str) -> dict[str, Any]:
    return {"success": True, "data": data, "message": message or "OK", "timestamp": at, "requestId": request_id}


def failure(refusal: Refusal, request_id: str, at: str) -> dict[str, Any]:
    details = [{"field": detail.field, "message": detail.message} for detail in refusal.details]
    error = {"code": refusal.code, "message": refusal.message, "details": details}
    return {"success": False, "error": error, "timestamp": at, "requestId": request_id}


def _new_campaign(asked: Asked) -> Asked:
    """With `scheduledAt` it is scheduled; else it waits for its start. Raises Invalid for a type that is not sent."""
    if not isinstance(asked.body, dict):
        return asked
    body = dict(asked.body)
    if body.pop("type", "email") != "email":
        raise Invalid.field("type", "must be email")
    canonical: dict[str, Any] = {"name": body.pop("name", None)}
    canonical |= _audience(body.pop("targetAudience", None)) | _content(body.pop("content", None))
    if body.get("createdBy") is not None:
        canonical["owner"] = body["createdBy"]
    if body.get("scheduledAt") is not None:
        canonical |= {"send_type": "scheduled", "scheduled_at": body["scheduledAt"]}
    unknown = {name: value for name, value in body.items() if name not in ("createdBy", "scheduledAt")}
    return Asked(asked.path, asked.query, {**canonical, **unknown})


def _audience(said: Any) -> dict[str, Any]:
    """Members of the segment who also match the filters; without a segment, everyone who does.

    Raises Invalid for an empty list of segments: only what is left out or null means everyone.
    """
    if said is None:
        return {"audience": {"everyone": True}}
    if not isinstance(said, dict):
        return {"audience": said}
    segment, filters = said.get("segment"), said.get("filters")
    unknown = {name: value for name, value in said.items() if name not in ("segment", "filters")}
    if segment == []:
        raise Invalid.field("targetAudience.segment", "must name a segment; leave it out for everyone")
    segments = segment if isinstance(segment, list) else [] if segment is None else [segment]
    filters = None if filters == {} else filters
    return {
        "audience": {"segments": segments, "filters": filters, "everyone": not segments and filters is None, **unknown}
    }


def _content(said: Any) -> dict[str, Any]:
    """A body beside a template is the template's variable `body`; alone it is the mail, plain text as a paragraph."""
    if not isinstance(said, dict):
        return {} if said is None else {"content": said}
    body, template = said.get("body"), said.get("template")
    unknown = {name: value for name, value in said.items() if name not in ("subject", "body", "template")}
    canonical: dict[str, Any] = {"subject": said.get("subject"), "template_id": template}
    if isinstance(body, str) and template is None:
        canonical["html"] = body if "<" in body else f"<p>{html.escape(body, quote=False)}</p>"
    content = {**({"body": body} if body is not None else {}), **unknown}
    return {**canonical, "content": content}


def _status(status: str) -> str:
    return STATUSES.get(status, status.upper())


def _campaign(data: Any, asked: Asked) -> Any:
    audience, content = data["audience"], data["content"]
    return {
        "id": data["id"],
        "name": data["name"],
        "type": "email",
        "status": _status(data["status"]),
        "reason": data["reason"],
        "targetAudience": {
            "segment": next(iter(audience.get("segments") or []), None),
            "filters": audience.get("filters") or {},
        },
        "content": {"subject": data["subject"], "body": content.get("body"), "template": data["template_id"]},
        "scheduledAt": data["scheduled_at"],
        "startedAt": data["launched_at"],
        "createdBy": data["owner"] or data["created_by"],
        "createdAt": data["created_at"],
        "updatedAt": data["updated_at"],
    }


def _of_campaign(asked: Asked) -> Asked:
    return Asked({"campaign_id": asked.path["campaignId"]}, asked.query, asked.body)


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0


def _analytics(data: Any, asked: Asked) -> Any:
    """Rates are percent of what was sent; the return on investment is (revenue - cost) / cost in percent."""
    totals = {"totalSent": "sent", "totalOpened": "opened", "totalClicked": "clicked", "totalConverted": "conversions"}
    rates = {"openRate": "opened", "clickRate": "clicked", "conversionRate": "conversions"}
    return {
        "metrics": {
            **{name: data[figure] for name, figure in totals.items()},
            **{name: _percent(data[figure], data["sent"]) for name, figure in rates.items()},
        },
        "performance": {
            "costPerAcquisition": data["cost_per_acquisition"],
            "returnOnInvestment": round(100 * data["return_on_investment"], 2),
            "revenueGenerated": data["revenue"],
        },
    }


ROWS: tuple[Row, ...] = (
    Row(
        f"POST {PREFIX}/campaigns",
        "campaigns.create_campaign",
        request=_new_campaign,
        reply=_campaign,
        fields=_CAMPAIGN,
    ),
    Row(
        f"PATCH {PREFIX}/campaigns/{{campaignId}}/start",
        "campaigns.launch_campaign",
        request=_of_campaign,
        reply=_campaign,
    ),
    Row(
        f"GET {PREFIX}/campaigns/{{campaignId}}/analytics",
        "campaigns.get_performance",
        request=_of_campaign,
        reply=_analytics,
    ),
)
