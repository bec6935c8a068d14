"""Short ways to name an audience, turned into criteria: a mapping of equalities, and filters such as `minRevenue`."""

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


def equals_all(mapping: Mapping[str, object]) -> Json:
    """Criteria that hold when every field has its value: a list means one of its values, null means not set, and
    "all" means any, so that `{"user_type": "all"}` and `{}` are everyone. `parse` finds what cannot be compared."""
    wanted = [_equal(name, value) for name, value in mapping.items() if value != "all"]
    return {"logic": "AND", "conditions": wanted}


def audience_filters(mapping: Mapping[str, object]) -> Json:
    """Criteria from filters: `registrationDate`, `minRevenue` and their like have their own meaning, other names are
    fields that must equal their value as in `equals_all`. A filter that is null or "all" is not applied."""
    wanted: list[object] = []
    for name, value in mapping.items():
        if value is None or value == "all":
            continue
        if name in _FILTERS:
            field, operator = _FILTERS[name]
            wanted.append({"field": field, "operator": operator, "value": value})
        else:
            wanted.append(_equal(name, value))
    return {"logic": "AND", "conditions": wanted}


def _equal(name: str, value: object) -> Json:
    if value is None:
        return {"field": name, "operator": "is_not_set"}
    return {"field": name, "operator": "in" if isinstance(value, list | tuple) else "equals", "value": value}
