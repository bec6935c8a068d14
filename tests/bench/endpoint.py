"""An endpoint's own processor time, warm: `python -m tests.bench.endpoint`.

The request passes the whole edge (credential, rate limit, envelope, log line, metrics). Storage is the one in memory;
neither it nor the SDK's part of a request to it is counted: what remains is what our own code does.
"""

import gc
import json
import sys
import time
from typing import Any

from botocore.client import BaseClient
from drumbeat import access, clock, ids
from drumbeat.accounts.model import ApiKey, Tenant

from tests import harness
from tests.bench.audience import TENANT, seed
from tests.bench.deployment import Deployment

CALLS = 400
NEW = {"email": "rina@customers.example", "first_name": "Rina", "attributes": {"city": "Dhaka"}, "tags": ["shop"]}


class Aside:
    """The time that requests to AWS take, the SDK's part included."""

    def __init__(self) -> None:
        self.seconds = 0.0
        plain, aside = BaseClient._make_api_call, self

        def timed(client: Any, name: str, kwargs: dict[str, Any]) -> Any:
            began = time.process_time()
            try:
                return plain(client, name, kwargs)
            finally:
                aside.seconds += time.process_time() - began

        BaseClient._make_api_call = timed  # a meter around the SDK, not a stand-in for it


def deployed() -> str:
    """A tenant with a key and contacts; gives a contact's id."""
    deployment = Deployment(rate=200.0)
    deployment.build()
    now = clock.wall()
    Tenant(
        *Tenant.key(TENANT), gsi1pk="TENANTS#all", gsi1sk=TENANT, tenant=TENANT, name="Shop", slug="shop",
        created_at=now,
        limits={"standard": 1_000_000},
    ).create()  # fmt: skip
    ApiKey(
        *ApiKey.key("bench"), gsi1pk=f"APIKEYS#{TENANT}", gsi1sk="bench", tenant=TENANT, key_id="bench", name="bench",
        secret_hash=access.hashed("secret"), scopes={"*"}, created_at=now,
    ).create()  # fmt: skip
    made = seed(deployment.cloud.table, 40, ids.new("seg"))
    gc.collect()
    gc.freeze()  # what is emulated is not in a function's memory
    return made[0]


def milliseconds(name: str, aside: Aside, **request: Any) -> float:
    """The median of many calls."""
    function, taken = harness.function(name), []
    headers = {"x-api-key": "db_live_bench_secret"}
    for number in range(CALLS):
        if "body" in request:
            request["body"] = {**NEW, "email": f"rina{number}@customers.example"}
        event = harness.http_event(function.declaration.route or "", headers=headers, **request)
        aside.seconds = 0.0
        began = time.process_time()
        answer = function(event, None)
        taken.append((time.process_time() - began - aside.seconds) * 1e3)
        assert answer["statusCode"] < 300, answer["body"]
    return sorted(taken)[CALLS // 2]


def main() -> None:
    told = sys.stdout
    contact_id, aside = deployed(), Aside()
    found = {
        "contacts.get_contact": milliseconds("contacts.get_contact", aside, path={"contact_id": contact_id}),
        "contacts.list_contacts": milliseconds("contacts.list_contacts", aside, query={"limit": "20"}),
        "contacts.create_contact": milliseconds("contacts.create_contact", aside, body=NEW),
        "campaigns.list_campaigns": milliseconds("campaigns.list_campaigns", aside),
    }
    told.write(json.dumps(found))


if __name__ == "__main__":
    main()
