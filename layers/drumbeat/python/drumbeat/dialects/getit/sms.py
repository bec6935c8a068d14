"""getit-marketing.md, section 4.3: SMS campaigns as the document has them."""

from typing import Any

from drumbeat.dialects import Asked
from drumbeat.dialects.getit.marketing import canonical

FIELDS = {
    "name": "campaign_name",
    "text": "message_content",
    "scheduled_at": "scheduled_time",
    "time_zone": "timezone",
    "names": "campaign_name_bn",
    "texts": "message_content_bn",
    "audience": "target_segments",
}
OPT_OUT = {"phone": "phone_number", "reason": "opt_out_reason"}
_BANGLA = ("names", "texts")


def request(asked: Asked) -> Asked:
    """A campaign without `send_type` goes out at once, as the table's default says."""
    body = canonical(asked.body, FIELDS)
    if not isinstance(body, dict):
        return asked
    for name in _BANGLA:
        if (text := body.pop(name, None)) is not None:
            body[name] = {"bn": text}
    if "audience" in body:
        body["audience"] = {"segments": body["audience"]}
    body.setdefault("send_type", "immediate")
    return Asked(asked.path, asked.query, {**body, "channel": "sms"})


def campaign(data: Any, asked: Asked) -> Any:
    return {
        "id": data["id"], "campaign_id": data["id"], "marketing_campaign_id": data["marketing_campaign_id"],
        "campaign_name": data["name"], "campaign_name_bn": data["names"].get("bn"), "message_content": data["text"],
        "message_content_bn": data["texts"].get("bn"), "sender_id": data["sender_id"],
        "send_type": asked.body.get("send_type"), "scheduled_time": data["scheduled_at"], "timezone": data["time_zone"],
        "target_segments": data["audience"].get("segments", []), "carrier_preference": data["carrier_preference"],
        "status": data["status"], "reason": data["reason"], "created_at": data["created_at"],
    }  # fmt: skip


def performance(data: Any, asked: Asked) -> Any:
    """`total_cost` is what sending cost; other costs that somebody entered are no text message's."""
    carriers: dict[str, int] = {}
    for row in data["by_destination"]:
        carriers[row["carrier"]] = carriers.get(row["carrier"], 0) + row["sent"]
    return {
        "campaign_info": {"name": data["name"], "sent_at": data["sent_at"], "total_sent": data["sent"]},
        "delivery_metrics": {
            "delivered": data["delivered"], "failed": data["undelivered"], "delivery_rate": data["delivery_rate"]
        },
        "engagement_metrics": {
            "clicks": data["clicked"], "click_rate": data["click_rate"], "opt_outs": data["unsubscribed"],
            "opt_out_rate": data["unsubscribe_rate"], "replies": data["replied"],
            "response_rate": data["response_rate"],
        },
        "carrier_distribution": carriers,
        "cost_analysis": {
            "total_cost": data["cost_by_source"].get("sms", 0), "cost_per_sms": data["cost_per_message"],
            "cost_per_click": data["cost_per_click"], "parts": data["parts"], "currency": data["currency"],
        },
    }  # fmt: skip


def opt_out(asked: Asked) -> Asked:
    return Asked(asked.path, asked.query, canonical(asked.body, OPT_OUT))


def opted_out(data: Any, asked: Asked) -> Any:
    return {
        "phone_number": data["address"], "status": "opted_out", "opt_out_reason": data["reason"],
        "campaign_id": data["campaign_id"], "opted_out_at": data["at"],
    }  # fmt: skip


def delivery_status(data: Any, asked: Asked) -> Any:
    return {
        "campaign_id": data["campaign_id"], "phone": data["phone"], "status": data["status"],
        "status_at": data["at"], "error": data["reason"], "message_id": data["provider_message_id"],
        "carrier": data["carrier"], "parts": data["parts"], "cost": data["cost"], "history": data["history"],
    }  # fmt: skip
