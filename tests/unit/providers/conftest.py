"""Provider accounts of tests."""

from typing import Any

from tests.sendgrid import GOOD_KEY, verification_key
from tests.world import World, client

SENDGRID = {
    "name": "Marketing", "channel": "email", "provider": "sendgrid",
    "config": {"sender_domain": "acme.example", "ip_pool": "marketing-pool", "verification_key": verification_key()},
    "credentials": {"api_key": GOOD_KEY},
}  # fmt: skip


def account(world: World, tenant: str = "acme", config: dict[str, Any] | None = None, **changed: Any) -> str:
    """The id of a new account at SendGrid."""
    wanted = {**SENDGRID, **changed, "config": {**SENDGRID["config"], **(config or {})}}  # type: ignore[dict-item]
    return str(world.call("providers.create_account", tenant=tenant, body=wanted).data["id"])


def choose(world: World, account_id: str | None, fallback: str | None = None, tenant: str = "acme") -> Any:
    """Have mail go over an account (None: over what a tenant has that has chosen nothing)."""
    chosen = {"account": account_id, "fallback": fallback} if account_id else None
    return world.call("accounts.update_settings", tenant=tenant, body={"channels": {"email": chosen}})


def parameters() -> dict[str, dict[str, Any]]:
    """What is in the Parameter Store, by name, as it is stored."""
    found = client("ssm").describe_parameters()["Parameters"]
    return {one["Name"]: one for one in found}
