"""getit-marketing.md: `/api/v1/marketing/…`, snake_case, bare bodies."""

import os
from typing import Any

from drumbeat.dialects import Asked, Row
from drumbeat.dialects.getit import marketing, sms, workflows

PREFIX = "/api/v1/marketing"


def _unsubscribed(data: Any, asked: Asked) -> Any:
    return {
        "email": data["address"], "status": "unsubscribed", "reason": data["reason"], "unsubscribed_at": data["at"]
    }  # fmt: skip


def _unsubscribes(data: Any, asked: Asked) -> Any:
    shown = [
        {**_unsubscribed(row, asked), "contact_id": row["contact_id"], "campaign_id": row["campaign_id"],
         "method": row["method"]}
        for row in data["items"]
    ]  # fmt: skip
    page = {name: data[name] for name in ("total_count", "limit", "next_cursor")}
    return {"unsubscribes": shown, **page}


def _of_email(asked: Asked) -> Asked:
    """The document's list is that of e-mail campaigns."""
    return Asked(asked.path, {**asked.query, "channel": "email"}, asked.body)


_SEGMENT = {"name": "segment_name", "names": "segment_name_bn", "dynamic": "is_dynamic"}


def _new_segment(asked: Asked) -> Asked:
    if not isinstance(asked.body, dict):
        return asked
    body = {key: value for key, value in asked.body.items() if key != "segment_name_bn"}
    for canonical, documented in (("name", "segment_name"), ("dynamic", "is_dynamic")):
        if documented in body:
            body[canonical] = body.pop(documented)
    if asked.body.get("segment_name_bn") is not None:
        body["names"] = {"bn": asked.body["segment_name_bn"]}
    return Asked(asked.path, asked.query, body)


def _segment(data: Any, asked: Asked) -> Any:
    """Growth is 0 until there are two days to compare."""
    return {
        "id": data["id"], "segment_name": data["name"], "segment_name_bn": data["names"].get("bn"),
        "description": data["description"], "segment_type": data["segment_type"], "criteria": data["criteria"],
        "is_dynamic": data["dynamic"], "status": data["state"], "customer_count": data["member_count"],
        "last_updated": data["counted_at"] or data["updated_at"], "growth_rate": data["growth_rate"] or 0.0,
        "avg_order_value": data["avg_order_value"], "slug": data["slug"], "created_at": data["created_at"],
    }  # fmt: skip


def _segments(data: Any, asked: Asked) -> Any:
    page = {name: data[name] for name in ("total_count", "limit", "next_cursor")}
    return {"segments": [_segment(row, asked) for row in data["items"]], **page}


def _with_insights(asked: Asked) -> Asked:
    return Asked(asked.path, {**asked.query, "insights": "true"}, asked.body)


def _customer(row: Any) -> Any:
    """A customer's number is the external id that the tenant gave; without one it is ours (DESIGN section 3)."""
    contact = row["contact"]
    figures = ("customer_lifetime_value", "last_purchase_date", "total_orders", "avg_order_value")
    return {
        "customer_id": contact["id"] if contact["external_id"] is None else contact["external_id"],
        "email": contact["email"], "phone": contact["phone"], **{name: row[name] for name in figures},
    }  # fmt: skip


def _customers(data: Any, asked: Asked) -> Any:
    shown = ("avg_customer_lifetime_value", "avg_order_frequency", "top_categories", "preferred_communication_channels")
    return {
        "customers": [_customer(row) for row in data["items"]],
        "segment_insights": {name: data["insights"][name] for name in shown},
        **{name: data[name] for name in ("total_count", "limit", "next_cursor")},
    }


def _new_export(asked: Asked) -> Asked:
    """The segment stands in the path."""
    if not isinstance(asked.body, dict):
        return asked
    body = {**asked.body, "kind": "segment", "filters": {"segment_id": asked.path["segment_id"]}}
    return Asked(asked.path, asked.query, body)


def _export(data: Any, asked: Asked) -> Any:
    """`download_url` leads to the file with the caller's credential as soon as `status` is done; until then it says
    that the file is being made."""
    at = f"{os.environ.get('PUBLIC_URL', '').rstrip('/')}/v1/exports/{data['id']}"
    return {
        "export_id": data["id"], "segment_id": data["filters"]["segment_id"], "format": data["format"],
        "fields": data["fields"], "status": data["state"], "row_count": data["rows"],
        "estimated_rows": data["rows_expected"], "download_url": f"{at}/download", "status_url": at,
        "created_at": data["created_at"],
    }  # fmt: skip


_CAMPAIGN = {
    "name": "campaign_name",
    "subject": "subject_line",
    "scheduled_at": "scheduled_time",
    "time_zone": "timezone",
    "audience": "target_segments",
    "names": "campaign_name_bn",
    "subjects": "subject_line_bn",
}


def _new_campaign(asked: Asked) -> Asked:
    """A campaign without `send_type` goes out at once, as the table's default says."""
    if not isinstance(asked.body, dict):
        return asked
    body = dict(asked.body)
    for canonical in ("name", "subject", "scheduled_at", "time_zone"):
        if _CAMPAIGN[canonical] in body:
            body[canonical] = body.pop(_CAMPAIGN[canonical])
    for canonical in ("names", "subjects"):
        if (text := body.pop(_CAMPAIGN[canonical], None)) is not None:
            body[canonical] = {"bn": text}
    if "target_segments" in body:
        body["audience"] = {"segments": body.pop("target_segments")}
    body.setdefault("send_type", "immediate")
    return Asked(asked.path, asked.query, body)


def _campaign(data: Any, asked: Asked) -> Any:
    return {
        "id": data["id"], "campaign_id": data["id"], "campaign_name": data["name"],
        "campaign_name_bn": data["names"].get("bn"), "subject_line": data["subject"],
        "subject_line_bn": data["subjects"].get("bn"), "sender_name": data["sender_name"],
        "sender_email": data["sender_email"], "template_id": data["template_id"], "content": data["content"],
        "send_type": asked.body.get("send_type"), "scheduled_time": data["scheduled_at"], "timezone": data["time_zone"],
        "target_segments": data["audience"].get("segments", []), "status": data["status"], "reason": data["reason"],
        "created_at": data["created_at"],
    }  # fmt: skip


_TEST = {"emails": "test_emails", "data": "test_data"}


def _test_mail(asked: Asked) -> Asked:
    return Asked(asked.path, asked.query, marketing.canonical(asked.body, _TEST))


def _tested(data: Any, asked: Asked) -> Any:
    sent = [row["email"] for row in data if row["sent"]]
    return {"campaign_id": asked.path["campaign_id"], "sent_to": sent, "results": data}


def _performance(data: Any, asked: Asked) -> Any:
    return {
        "campaign_info": {"name": data["name"], "sent_at": data["sent_at"], "total_sent": data["sent"]},
        "delivery_metrics": {name: data[name] for name in ("delivered", "bounced", "delivery_rate")},
        "engagement_metrics": {
            name: data[name]
            for name in ("opened", "clicked", "unsubscribed", "open_rate", "click_rate", "click_to_open_rate")
        },
        "conversion_metrics": {
            name: data[name] for name in ("conversions", "revenue", "conversion_rate", "revenue_per_email")
        },
        "top_performing_links": [
            {name: link[name] for name in ("url", "clicks", "click_rate")} for link in data["links"][:10]
        ],
    }


ROWS: tuple[Row, ...] = (
    *workflows.rows(PREFIX),
    Row(
        f"POST {PREFIX}/campaigns",
        "marketing.create_marketing_campaign",
        request=marketing.request,
        reply=marketing.campaign,
        fields=marketing.FIELDS,
    ),
    Row(f"GET {PREFIX}/campaigns", "marketing.list_marketing_campaigns", reply=marketing.campaigns),
    Row(
        f"PUT {PREFIX}/campaigns/{{campaign_id}}",
        "marketing.update_marketing_campaign",
        request=marketing.request,
        reply=marketing.campaign,
        fields=marketing.FIELDS,
    ),
    Row(
        f"GET {PREFIX}/campaigns/{{campaign_id}}/analytics",
        "marketing.get_analytics",
        request=marketing.request,
        reply=marketing.analytics,
    ),
    Row(
        f"POST {PREFIX}/email-campaigns",
        "campaigns.create_campaign",
        request=_new_campaign,
        reply=_campaign,
        fields=_CAMPAIGN,
    ),
    Row(
        f"POST {PREFIX}/email-campaigns/{{campaign_id}}/test",
        "campaigns.send_test",
        request=_test_mail,
        reply=_tested,
        fields=_TEST,
    ),
    Row(f"GET {PREFIX}/email-campaigns/{{campaign_id}}/performance", "campaigns.get_performance", reply=_performance),
    Row(
        f"POST {PREFIX}/sms-campaigns",
        "campaigns.create_campaign",
        request=sms.request,
        reply=sms.campaign,
        fields=sms.FIELDS,
    ),
    Row(f"GET {PREFIX}/sms-campaigns/{{campaign_id}}/performance", "campaigns.get_performance", reply=sms.performance),
    Row(
        f"POST {PREFIX}/sms-campaigns/opt-out",
        "contacts.create_unsubscribe",
        request=sms.opt_out,
        reply=sms.opted_out,
        status=200,
        fields=sms.OPT_OUT,
    ),
    Row(
        f"GET {PREFIX}/sms-campaigns/{{campaign_id}}/delivery-status",
        "campaigns.get_delivery_status",
        reply=sms.delivery_status,
    ),
    Row(
        f"POST {PREFIX}/segments",
        "segments.create_segment",
        request=_new_segment,
        reply=_segment,
        fields=_SEGMENT,
    ),
    Row(f"GET {PREFIX}/segments", "segments.list_segments", reply=_segments),
    Row(
        f"GET {PREFIX}/segments/{{segment_id}}/customers",
        "segments.list_members",
        request=_with_insights,
        reply=_customers,
    ),
    Row(
        f"POST {PREFIX}/segments/{{segment_id}}/export",
        "exports.create_export",
        request=_new_export,
        reply=_export,
        fields={"filters.segment_id": "segment_id"},
    ),
    Row(
        f"GET {PREFIX}/email-campaigns/unsubscribes",
        "contacts.list_unsubscribes",
        request=_of_email,
        reply=_unsubscribes,
    ),
    Row(
        f"POST {PREFIX}/email-campaigns/unsubscribe",
        "contacts.create_unsubscribe",
        reply=_unsubscribed,
        status=200,
    ),
)
