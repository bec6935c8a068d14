"""Short ways to name an audience, turned into criteria: a mapping of equalities, filters such as `minRevenue`, and
demographics."""

from collections.abc import Mapping
from typing import Final

Json = dict[str, object]

# Filter → (field, operator). A registration date means "registered on that day or later".
_FILTERS: Final[Mapping[str, tuple[str, str]]] = {
    "registrationDate": ("created_at", "greater_or_equal"),
    "minRevenue": ("customer_lifetime_value", "greater_or_equal"),
    "maxRevenue": ("customer_lifetime_value", "less_or_equal"),
    "minOrders": ("total_orders", "greater_or_equal"),
    "maxOrders": ("total_orders", "less_or_equal"),
    "lastPurchaseDate": ("last_purchase_date", "greater_or_equal"),
}
# Where tenants keep the day of birth (of `reports.buyers` too), and where somebody lives.
_BORN = ("birth_date", "date_of_birth", "birthday")
_PLACES = ("city", "location", "region", "state", "country")


def equals_all(mapping: Mapping[str, object]) -> Json:
    """Criteria that hold when every field has its value: a list means one of its values, null means not set, and
    "all" means any, so that `{"user_type": "all"}` and `{}` are everyone. `parse` finds what cannot be compared."""
    wanted = [_equal(name, value) for name, value in mapping.items() if value != "all"]
    return {"logic": "AND", "conditions": wanted}


def audience_filters(mapping: Mapping[str, object]) -> Json:
    """Criteria from filters: `registrationDate`, `minRevenue` and their like have their own meaning, other names are
    fields that must equal their value as in `equals_all`. A filter that is null or "all" is not applied.

    Demographics are filters too: `age_range` [18, 45] is an attribute `age`, or the age of a birth date today;
    `locations` are names of which one is the contact's city, location, region, state or country.
    """
    wanted: list[object] = []
    for name, value in mapping.items():
        if value is None or value == "all":
            continue
        if name in _FILTERS:
            field, operator = _FILTERS[name]
            wanted.append(_where(field, operator, value))
        elif name == "age_range":
            born = [_where(field, "age_between", value) for field in _BORN]
            wanted.append({"logic": "OR", "conditions": [_where("age", "between", value), *born]})
        elif name == "locations":
            places = value if isinstance(value, list | tuple) else [value]
            wanted.append({"logic": "OR", "conditions": [_where(field, "in", places) for field in _PLACES]})
        else:
            wanted.append(_equal(name, value))
    return {"logic": "AND", "conditions": wanted}


def _where(field: str, operator: str, value: object) -> Json:
    return {"field": field, "operator": operator, "value": value}


def _equal(name: str, value: object) -> Json:
    if value is None:
        return {"field": name, "operator": "is_not_set"}
    return _where(name, "in" if isinstance(value, list | tuple) else "equals", value)
