"""What the local tenant has from the start: what the documents' examples assume (DESIGN section 7)."""

import json
from datetime import UTC, datetime
from typing import Any, Protocol

import httpx

from infra import names

CREATE_TENANT, SET_PASSWORD = "accounts.create_tenant", "accounts.set_password"
SET_DEFAULT_ACCOUNT = "providers.set_default_account"
# Senders of the documents' examples, and of ours.
SENDING_DOMAINS = ("acme.example", "example.com", "company.com", "getit.com.bd", "mcp.com")
USER = {"email": "user@company.com", "password": "password"}
# Tests and examples ask often; the defaults are for programs that run all day.
GENEROUS = dict.fromkeys(("standard", "analytics", "referral", "upload", "events"), 100_000)
TENANT: dict[str, Any] = {
    "name": "acme",
    "tenant_id": "ten_acme",
    "admin_email": USER["email"],
    "limits": GENEROUS,
    "new_api_key": True,
    "settings": {
        "sender_name": "Acme",
        "sender_email": "news@acme.example",
        "postal_address": "Acme Inc., 1 Main Street, Springfield",
        "currency": "USD",
    },
}
TEMPLATES = (
    "summer-promo-2024",
    "welcome_email_1",
    "welcome_email_2_engaged",
    "welcome_email_2_not_engaged",
    "template_uuid",
)
HTML = """<!doctype html><html><body style="font-family: sans-serif">
<h1>{{ headline | default: "Hello from Acme" }}</h1>
<p>Dear {{ first_name | default: "customer" }}, there is something new for you.</p>
<p><a href="https://shop.acme.example/offers">{{ cta_text | default: "See the offers" }}</a></p>
<p><a href="{{ unsubscribe_url }}">Unsubscribe</a> {{ postal_address }}</p>
</body></html>"""
HIGH_VALUE = {"field": "customer_lifetime_value", "operator": "greater_than", "value": 50000}
RECENT = {"field": "created_at", "operator": "within_days", "value": 30}
SEGMENTS: dict[str, dict[str, Any]] = {
    "new-customers": {"logic": "AND", "conditions": [RECENT]},
    "high_value_customers": {"logic": "AND", "conditions": [HIGH_VALUE]},
    "segment_uuid1": {"logic": "AND", "conditions": [HIGH_VALUE]},
    "segment_uuid2": {"logic": "AND", "conditions": [RECENT]},
}
PRODUCTS = [
    {
        "sku": sku, "name": name, "price": price, "category": "fashion", "url": f"https://shop.acme.example/{sku}",
        "image_url": f"https://cdn.shop.acme.example/{sku}.jpg",
    }
    for sku, name, price in (("product_uuid1", "Silk scarf", 25), ("product_uuid2", "Leather sandals", 49.5))
]  # fmt: skip
# The tenant's account at SendGrid, as integration-guide.md configures it; it is the deployment's default account, whose
# reports come to /webhooks/sendgrid. Mail goes over SES all the same until the settings choose it.
SENDGRID_KEY = "SG.local.acme"
SENDGRID: dict[str, Any] = {
    "name": "SendGrid",
    "channel": "email",
    "provider": "sendgrid",
    "config": {"sender_domain": "acme.example", "ip_pool": "marketing-pool"},
    "credentials": {"api_key": SENDGRID_KEY},
}
# Its account at Twilio, of the same kind: reports come to /webhooks/twilio. Text messages go over it.
TWILIO: dict[str, Any] = {
    "name": "Twilio",
    "channel": "sms",
    "provider": "twilio",
    "config": {"messaging_service_sid": f"MG{'1' * 32}", "per_second": 100},
}
SMS_FOOTER = {"en": "Reply STOP to end", "bn": "বন্ধ করতে STOP লিখুন"}
CUSTOMER = {
    "external_id": 123,
    "email": "customer@example.com",
    "first_name": "Casey",
    "attributes": {"customer_type": "premium"},
    "consent": {"email": {"status": "granted", "source": "fixtures", "method": "import"}},
}


class Refused(Exception):
    """A function that makes fixtures failed; the text is what it answered."""


class Seedable(Protocol):
    """What fixtures need of a stack."""

    @property
    def functions(self) -> list[str]: ...
    @property
    def api_url(self) -> str: ...
    @property
    def simulators_url(self) -> str: ...
    @property
    def table(self) -> str: ...

    def client(self, service: str) -> Any: ...


def seed(stack: Seedable) -> dict[str, str]:
    """Make the tenant `acme` with its fixtures; gives `{"tenant": its id, "api_key": a key with all scopes}`."""
    made = invoke(stack, CREATE_TENANT, TENANT)
    invoke(stack, SET_PASSWORD, {**USER, "weak": True})
    trust(stack)
    credential = {"tenant": str(made["tenant"]), "api_key": str(made["api_key"])}
    with httpx.Client(base_url=stack.api_url, headers={"X-API-Key": credential["api_key"]}, timeout=30) as api:
        for name in TEMPLATES:
            template = {"name": name, "subject": "News from Acme", "html": HTML}
            post(api, "/v1/templates", template)
        for name, criteria in SEGMENTS.items():
            post(api, "/v1/segments", {"name": name, "criteria": criteria})
        post(api, "/v1/products/import", {"products": PRODUCTS})
        post(api, "/v1/contacts", CUSTOMER)
        account = sendgrid_account(stack, api)
        texts = twilio_account(stack, api)
        text_people_back(stack, f"{texts['callback_url']}/messages")
    invoke(stack, SET_DEFAULT_ACCOUNT, {"tenant": credential["tenant"], "account_id": texts["id"]})
    default = {"tenant": credential["tenant"], "account_id": account["id"]}
    path = invoke(stack, SET_DEFAULT_ACCOUNT, default)["path"]
    report_to(stack, SENDGRID_KEY, f"{stack.api_url}{path}")
    return credential


def sendgrid_account(stack: Seedable, api: httpx.Client, **changed: Any) -> dict[str, Any]:
    """An account at the simulated SendGrid for the tenant of this client, which trusts its key."""
    key = httpx.get(f"{stack.simulators_url}/keys", timeout=10).json()["sendgrid"]["public_key"]
    wanted = {**SENDGRID, **changed}
    wanted["config"] = {**wanted["config"], "verification_key": key}
    made: dict[str, Any] = post(api, "/v1/provider-accounts", wanted)
    return made


def report_to(stack: Seedable, api_key: str, url: str) -> None:
    """Have the simulated SendGrid report to an address about mails that are sent with a key."""
    told = {"sendgrid": {"callbacks": {api_key: url}}}
    httpx.put(f"{stack.simulators_url}/config", json=told, timeout=10).raise_for_status()


def twilio_account(stack: Seedable, api: httpx.Client) -> dict[str, Any]:
    """An account at the simulated Twilio for the tenant of this client, whose text messages go over it from then on."""
    keys = httpx.get(f"{stack.simulators_url}/keys", timeout=10).json()["twilio"]
    config = {**TWILIO["config"], "account_sid": keys["account_sid"]}
    wanted = {**TWILIO, "config": config, "credentials": {"auth_token": keys["auth_token"]}}
    made: dict[str, Any] = post(api, "/v1/provider-accounts", wanted)
    chosen = {"channels": {"sms": {"account": made["id"]}}, "sms_footer": SMS_FOOTER}
    reply = api.patch("/v1/settings", json=chosen)
    if reply.status_code >= 300:
        raise Refused(f"PATCH /v1/settings: {reply.text}")
    return made


def text_people_back(stack: Seedable, url: str) -> None:
    """Have the simulated Twilio hand over what people text."""
    told = {"twilio": {"inbound_url": url}}
    httpx.put(f"{stack.simulators_url}/config", json=told, timeout=10).raise_for_status()


def trust(stack: Seedable) -> None:
    """Store the simulated SNS's certificate, as if it had been fetched: there is no way past the verification."""
    keys = httpx.get(f"{stack.simulators_url}/keys", timeout=10).json()["sns"]
    stack.client("dynamodb").put_item(
        TableName=stack.table,
        Item={
            "pk": {"S": f"CERT#{keys['cert_url']}"},
            "sk": {"S": "CERT"},
            "pem": {"S": keys["pem"]},
            "fetched_at": {"S": datetime.now(UTC).isoformat()},
        },
    )


def post(api: httpx.Client, path: str, body: Any) -> Any:
    """Create something, and give its data. Raises Refused with the API's words."""
    reply = api.post(path, json=body)
    if reply.status_code >= 300:
        raise Refused(f"POST {path}: {reply.text}")
    return reply.json()["data"]


def invoke(stack: Seedable, function: str, event: dict[str, Any]) -> dict[str, Any]:
    """Call an operator's function (`accounts.create_tenant`) and give its data. Raises Refused."""
    reply = stack.client("lambda").invoke(FunctionName=names.function(function), Payload=json.dumps(event))
    text = reply["Payload"].read().decode()
    data = json.loads(text).get("data") if not reply.get("FunctionError") else None
    if not isinstance(data, dict):
        raise Refused(f"{function}: {text}")
    return data
