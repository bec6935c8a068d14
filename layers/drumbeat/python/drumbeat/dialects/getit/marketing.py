"""getit-marketing.md, section 4.1: marketing campaigns as the document has them."""

from typing import Any

from drumbeat.dialects import Asked

FIELDS = {
    "name": "campaign_name",
    "names": "campaign_name_bn",
    "objective": "campaign_objective",
    "starts_at": "start_date",
    "ends_at": "end_date",
}


def canonical(body: Any, fields: dict[str, str]) -> Any:
    """A body whose documented names have become canonical ones."""
    if not isinstance(body, dict):
        return body
    names = {documented: name for name, documented in fields.items()}
    return {names.get(name, name): value for name, value in body.items()}


def request(asked: Asked) -> Asked:
    body = canonical(asked.body, FIELDS)
    if isinstance(body, dict) and isinstance(body.get("names"), str):
        body["names"] = {"bn": body["names"]}
    path = {"marketing_campaign_id": asked.path["campaign_id"]} if "campaign_id" in asked.path else asked.path
    return Asked(path, asked.query, body)


def campaign(data: Any, asked: Asked) -> Any:
    same = (
        "id", "description", "campaign_type", "status", "budget", "currency", "channels", "target_audience",
        "performance_goals", "content_settings", "automation_rules", "ab_test_config", "vendor_id", "created_by",
        "approved_by", "approved_at", "created_at", "updated_at",
    )  # fmt: skip
    return {
        **{name: data[name] for name in same},
        "campaign_name": data["name"],
        "campaign_name_bn": data["names"].get("bn"),
        "campaign_objective": data["objective"],
        "start_date": data["starts_at"],
        "end_date": data["ends_at"],
    }


def campaigns(data: Any, asked: Asked) -> Any:
    shown = [
        {
            **campaign(row, asked),
            "spent_amount": row["spent_amount"],
            "performance": {name: row["performance"][name] for name in ("reach", "conversions", "revenue", "roi")},
        }
        for row in data["items"]
    ]
    sums = ("total_budget", "total_spent", "total_revenue", "overall_roi")
    page = {name: data[name] for name in ("total_count", "limit", "next_cursor")}
    return {"campaigns": shown, **page, "summary": {name: data["summary"][name] for name in sums}}


def analytics(data: Any, asked: Asked) -> Any:
    overview = (
        "total_reach", "unique_clicks", "conversions", "revenue", "cost_per_acquisition", "return_on_ad_spend"
    )  # fmt: skip
    channel = ("reach", "conversions", "revenue")
    insights = ("top_performing_segments", "geographic_performance", "demographic_breakdown")
    return {
        "overview": {name: data["overview"][name] for name in overview},
        "channel_performance": {
            name: {figure: row[figure] for figure in channel} for name, row in data["channel_performance"].items()
        },
        "audience_insights": {name: data["audience_insights"][name] for name in insights},
    }
