"""Two change the same product at once."""

from decimal import Decimal
from typing import Any

import pytest
from drumbeat import clock
from drumbeat.products import model
from drumbeat.products.model import Product
from drumbeat.products.views import NewProduct

from tests.meanwhile import appeared, changed, quicker, stored, vanished
from tests.world import World

TENANT = "ten_acme"
SHOE = {"sku": "shoe", "name": "Shoe", "price": 10}


def shoe(world: World) -> tuple[str, str]:
    return Product.key(TENANT, world.call("products.create_product", body=SHOE).data["id"])


@pytest.mark.parametrize("by_import", [False, True])
def test_two_changes_of_a_product_at_once_both_stay(world: World, by_import: bool) -> None:
    key = shoe(world)

    with quicker(key, changed, currency="JPY", brand="Apex"):
        if by_import:
            body: dict[str, Any] = {"products": [{"sku": "shoe", "price": 12}]}
            world.call("products.import_products", body=body)
        else:
            world.call("products.update_product", path={"product_id": "shoe"}, body={"price": 12})

    after = stored(key) or {}
    assert (after["brand"], after["price"], int(after["version"])) == ("Apex", 12, 2)  # a yen has no cents


def test_a_product_that_is_made_twice_at_once_is_one(world: World) -> None:
    """By an import, and by another request that was quicker."""
    key = Product.key(TENANT, model.id_of(TENANT, "shoe"))
    values = model.wanted(TENANT, {}, {"name": "Boot", "currency": "USD"})
    boot = model.build(TENANT, model.id_of(TENANT, "shoe"), "shoe", values, clock.business())

    with quicker(key, appeared, boot):
        told = world.call("products.import_products", body={"products": [SHOE]}).data

    assert [row["status"] for row in told["results"]] == ["updated"]


def test_a_product_that_is_deleted_twice_at_once_counts_once(world: World) -> None:
    key = shoe(world)

    with quicker(key, vanished):
        assert world.call("products.delete_product", path={"product_id": "shoe"}).status == 404


def test_a_product_that_is_made_again_is_the_stored_one(world: World) -> None:
    made = stored(shoe(world)) or {}
    new = NewProduct(name="Shoe", price=Decimal(11))

    assert model.add(TENANT, new, product_id=made["product_id"], now=clock.business()).price == 1000
