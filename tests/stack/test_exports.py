"""Exports and erasures on the deployed stack: what IAM, presigned links, KMS and the machines make of them."""

import csv
import io
from typing import Any

import httpx

from tests.stack.company import Company, until

FIELDS = ["email", "phone", "customer_lifetime_value", "last_purchase_date"]


def exported(shop: Company, export: str) -> Any:
    """The export when it is done."""
    return until("the export", lambda: shop.get(f"/v1/exports/{export}"), lambda one: one["state"] == "done")


def test_the_documented_export_of_a_segment_is_a_file_behind_its_link(shop: Company) -> None:
    for number in range(3):
        shop.post("/v1/contacts", {"email": f"p{number}@exports.example", "phone": f"+88017123456{number:02}"})
    criteria = {"conditions": [{"field": "email", "operator": "ends_with", "value": "@exports.example"}]}
    segment = shop.post("/v1/segments", {"name": "Everyone here", "criteria": criteria})["id"]
    until("the members", lambda: shop.get(f"/v1/segments/{segment}")["member_count"], lambda many: many == 3)

    asked = shop.api.post(f"/api/v1/marketing/segments/{segment}/export", json={"format": "csv", "fields": FIELDS})
    assert asked.status_code == 202, asked.text
    made = asked.json()
    assert set(made) >= {"export_id", "segment_id", "format", "fields", "status", "download_url"}
    exported(shop, made["export_id"])

    led = shop.api.get(made["download_url"])
    assert led.status_code == 302, led.text
    file = httpx.get(led.headers["Location"], timeout=60)  # without a credential
    assert file.status_code == 200 and "attachment" in file.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert list(rows[0]) == FIELDS
    assert sorted((row["email"], row["phone"]) for row in rows) == [
        (f"p{number}@exports.example", f"+88017123456{number:02}") for number in range(3)
    ]


def test_a_workbook_and_everything_come_out_of_the_deployed_function(shop: Company) -> None:
    wanted = ({"kind": "contacts", "format": "xlsx"}, {"kind": "everything"})
    for made in [shop.post("/v1/exports", body)["id"] for body in wanted]:
        done = exported(shop, made)
        assert httpx.get(done["download"]["url"], timeout=60).content[:2] == b"PK"


def test_an_erased_person_is_gone_at_once_and_stays_suppressed(shop: Company) -> None:
    contact = shop.post("/v1/contacts", {"email": "gone@exports.example"})["id"]
    copy = shop.post("/v1/privacy-requests", {"wish": "data_export", "address": "gone@exports.example"})["id"]
    told = until("the copy", lambda: shop.get(f"/v1/privacy-requests/{copy}"), lambda one: one["state"] == "done")
    assert httpx.get(told["download"]["url"], timeout=60).json()["contact"][0]["email"] == "gone@exports.example"

    shop.post("/v1/privacy-requests", {"wish": "erasure", "contact_id": contact})

    assert shop.api.get(f"/v1/contacts/{contact}").status_code == 404
    held = shop.get("/v1/suppressions/gone@exports.example")
    assert (held["reason"], held["scope"]) == ("erased", "all")
