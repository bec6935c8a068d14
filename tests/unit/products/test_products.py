"""The catalogue through the API: found by sku, imported any number of times, and shown to templates."""

import math
from typing import Any

import pytest
from drumbeat.errors import NotFound
from drumbeat.products import feed, model, views
from drumbeat.products.views import BadProduct

from tests.world import World

TENANT = "ten_acme"
SHOE: dict[str, Any] = {
    "sku": "shoe-1",
    "name": "Running shoe",
    "names": {"bn": "দৌড়ের জুতা", "pt": "Tênis"},
    "url": "https://shop.example/shoe-1",
    "image_url": "https://cdn.shop.example/shoe-1.jpg",
    "price": 1250,
    "compare_at_price": 2500.5,
    "currency": "BDT",
}


def imported(world: World, **body: Any) -> Any:
    return world.call("products.import_products", body=body).data


def test_templates_get_products_by_id_or_sku_in_their_language(world: World) -> None:
    shoe = world.call("products.create_product", body=SHOE).data
    world.call("products.create_product", body={"sku": 7, "name": "Gift card", "availability": "out_of_stock"})

    first, second, third = model.resolve(TENANT, ["7", shoe["id"], "shoe-1"], "pt-BR")

    assert (first["name"], first["price"], first["in_stock"], first["on_sale"]) == ("Gift card", None, False, False)
    assert (second["name"], second["image_url"], second["url"]) == ("Tênis", SHOE["image_url"], SHOE["url"])
    assert (second["price"], second["compare_at_price"], second["discount_percent"]) == ("৳1,250.00", "৳2,500.50", 50)
    assert second == third
    assert model.resolve(TENANT, ["shoe-1"], "de")[0]["name"] == "Running shoe"
    with pytest.raises(NotFound, match="'shoe-2'"):
        model.resolve(TENANT, ["shoe-1", "shoe-2"], "bn")
    with pytest.raises(NotFound):
        model.resolve("ten_globex", [shoe["id"]])


def test_an_import_that_comes_twice_changes_nothing(world: World) -> None:
    """More products than a transaction takes; what is sent is added or changed, what is left out stays."""
    many = [{"sku": f"p{number}", "name": f"Product {number}", "price": number} for number in range(120)]
    assert imported(world, products=many)["created"] == 120

    again = imported(world, products=many)
    assert (again["unchanged"], again["created"], again["updated"]) == (120, 0, 0)
    changed = imported(world, products=[{"sku": "p3", "price": 2.5}, {"sku": "p3", "price": 4}])
    assert [result["status"] for result in changed["results"]] == ["updated", "rejected"]
    shown = world.call("products.get_product", path={"product_id": "p3"}).data
    assert (shown["name"], shown["price"], shown["version"]) == ("Product 3", 2.5, 2)
    assert world.call("products.list_products").data["total_count"] == 120
    found = world.call("products.list_products", query={"search": "duct 11"}).data
    assert {one["sku"] for one in found["items"]} == {"p11", *(f"p11{digit}" for digit in range(10))}


def test_the_same_creation_again_is_the_same_product(world: World) -> None:
    first = world.call("products.create_product", body=SHOE)
    assert world.call("products.create_product", body=SHOE).data == first.data
    world.call("products.delete_product", path={"product_id": "shoe-1"})
    assert world.call("products.list_products").data["total_count"] == 0


def test_what_a_file_says() -> None:
    """A Shopify export with a tab, a quoted line break, a column of our own and a row that cannot be used."""
    text = (
        "\ufeffHandle\tTitle\tName_bn\tVariant SKU\tVariant Price\tVariant Compare At Price\tImage Src\tVendor\n"
        'shoe\t"Running\nshoe"\tজুতা\ts1\t49.90\t\thttps://cdn.example/s1.jpg\tAcme\n'
        "\t\t\t\t\t\t\t\n"
        "hat\tHat\t\th1\tten\t\thttp://cdn.example/h1.jpg\t\n"
    )

    rows = feed.products(text)

    shoe, hat = rows[2], rows[4]
    assert not isinstance(shoe, BadProduct)
    said = shoe.model_dump(mode="json", exclude_unset=True)
    assert said == {
        "sku": "s1", "name": "Running\nshoe", "names": {"bn": "জুতা"}, "price": "49.90", "brand": "Acme",
        "image_url": "https://cdn.example/s1.jpg", "attributes": {"handle": "shoe"},
    }  # fmt: skip
    assert isinstance(hat, BadProduct)
    assert (hat.sku, {one.field for one in hat.details}) == ("h1", {"price", "image_url"})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "javascript:alert(1)"}, "url"),
        ({"price": -1}, "price"),
        ({"price": math.pi}, "price"),
        ({"name": None}, "name"),
        ({"sku": "other"}, "sku"),
        ({"currency": "usd"}, "currency"),
    ],
)
def test_changes_that_are_refused(world: World, change: dict[str, Any], field: str) -> None:
    world.call("products.create_product", body=SHOE)
    refused = world.call("products.update_product", path={"product_id": "shoe-1"}, body=change)
    assert (refused.status, refused.refused) == (422, [field])


def test_a_feed_that_ends_a_sale_ends_it(world: World) -> None:
    """In Google's feed `price` is that without the sale; without `sale_price` there is none."""
    header = "id,title,price,sale_price\n"
    imported(world, csv=f"{header}hat,Hat,15.00 USD,10.00 USD\n")
    (on_sale,) = model.resolve(TENANT, ["hat"])
    imported(world, csv=f"{header}hat,Hat,15.00 USD,\n")
    (after,) = model.resolve(TENANT, ["hat"])

    assert (on_sale["price_amount"], on_sale["compare_at_price_amount"], on_sale["on_sale"]) == (10, 15, True)
    assert (after["price_amount"], after["compare_at_price_amount"], after["on_sale"]) == (15, None, False)


def test_an_empty_cell_leaves_what_there_is(world: World) -> None:
    imported(world, csv="sku,name,name_bn,name_de,colour,size\nhat,Hat,টুপি,Hut,red,L\n")
    imported(world, csv="sku,name,name_bn,name_de,colour,size\nhat,,,Mütze,blue,\n")

    hat = world.call("products.get_product", path={"product_id": "hat"}).data
    assert (hat["name"], hat["names"]) == ("Hat", {"bn": "টুপি", "de": "Mütze"})
    assert hat["attributes"] == {"colour": "blue", "size": "L"}


def test_a_header_that_is_no_csv_is_refused_by_name(world: World) -> None:
    refused = world.call("products.import_products", body={"csv": f"sku,{'x' * 200_000}\n1,2\n"})
    assert (refused.status, refused.refused) == (422, ["csv"])


def test_a_file_that_is_too_long_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MOST_AT_ONCE", 1)
    refused = world.call("products.import_products", body={"csv": "sku,name\na,A\nb,B\n"})
    assert (refused.status, refused.refused) == (422, ["csv"])
    assert views.MOST_AT_ONCE == 2_000
