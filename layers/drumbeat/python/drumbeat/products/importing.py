"""Adding and changing many products at once, by their sku. Doing it again changes nothing: ids follow from skus."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from drumbeat import counts
from drumbeat.errors import Invalid, Unavailable
from drumbeat.products import feed, model
from drumbeat.products.model import KIND, Product
from drumbeat.products.views import BadProduct, FieldProblem, KnownProduct, ProductImport, ProductResult, ProductResults
from drumbeat.table import MOST_IN_TRANSACTION, Transaction, TransactionRefused

TRIES = 12
# One action is left for the count.
AT_ONCE = MOST_IN_TRANSACTION - 1
Row = KnownProduct | BadProduct
# What a file says in a column for each of its parts.
_PARTED = ("names", "descriptions", "attributes")


@dataclass(slots=True)
class _Batch:
    """As many products as one transaction takes, by the row that they came in, and what became of each. Those of a
    file keep what it has no cell for."""

    rows: Mapping[int, KnownProduct]
    of_a_file: bool
    results: dict[int, ProductResult] = field(default_factory=dict)


def run(tenant: str, said: ProductImport, now: datetime) -> ProductResults:
    """Write what an import says; a product that cannot be is rejected by itself.

    Raises Invalid for a CSV file that cannot be read, Unavailable when others never let go of the products.
    Reads Tenant, writes Product, Count.
    """
    numbered = feed.products(said.csv) if said.csv is not None else dict(enumerate(said.products or (), start=1))
    results = dict(_unusable(numbered))
    left = [(row, one) for row, one in numbered.items() if row not in results and isinstance(one, KnownProduct)]
    for start in range(0, len(left), AT_ONCE):
        results |= _written(tenant, dict(left[start : start + AT_ONCE]), said.csv is not None, now)
    ordered = [results[row] for row in sorted(results)]
    many = [result.status for result in ordered].count
    return ProductResults(
        results=ordered, created=many("created"), updated=many("updated"), unchanged=many("unchanged"),
        rejected=many("rejected"),
    )  # fmt: skip


def _unusable(numbered: Mapping[int, Row]) -> Iterator[tuple[int, ProductResult]]:
    """What is not well-formed, and what an earlier row has already said something else of."""
    first: dict[str, int] = {}
    for row, one in numbered.items():
        if isinstance(one, BadProduct):
            yield row, _rejected(row, one.sku, one.details)
        elif first.setdefault(one.sku, row) != row:
            yield row, _rejected(row, one.sku, [FieldProblem(field="sku", message=f"is in row {first[one.sku]} too")])


def _rejected(row: int, sku: str | None, details: Sequence[FieldProblem]) -> ProductResult:
    return ProductResult(row=row, sku=sku, product_id=None, status="rejected", details=list(details))


def _written(tenant: str, rows: Mapping[int, KnownProduct], of_a_file: bool, now: datetime) -> dict[int, ProductResult]:
    for tried in range(TRIES):
        batch = _Batch(rows, of_a_file)
        writing = _planned(tenant, batch, now)
        try:
            if len(writing):
                writing.commit()
        except TransactionRefused:
            # Someone else wrote one of these products at the same time: look again.
            time.sleep(random.uniform(0, min(0.2, 0.004 * 2**tried)))
        else:
            return batch.results
    raise Unavailable("These products are being changed by others. Send the same import again.")


def _planned(tenant: str, batch: _Batch, now: datetime) -> Transaction:
    """The transaction that makes the batch so, from what is stored now."""
    writing = Transaction()
    ids = {row: model.id_of(tenant, one.sku) for row, one in batch.rows.items()}
    stored = {found.product_id: found for found in Product.many(Product.key(tenant, one) for one in ids.values())}
    created = 0
    for row, one in batch.rows.items():
        held = stored.get(ids[row])
        try:
            status = _put(writing, tenant, ids[row], _said(one, held, batch.of_a_file), held, now)
        except Invalid as refusal:
            details = [FieldProblem(field=detail.field, message=detail.message) for detail in refusal.details]
            batch.results[row] = _rejected(row, one.sku, details)
        else:
            created += status == "created"
            batch.results[row] = ProductResult(row=row, sku=one.sku, product_id=ids[row], status=status)
    if created:
        counts.into(writing, tenant, KIND, next(iter(ids.values())), created)
    return writing


def _said(one: KnownProduct, held: Product | None, of_a_file: bool) -> dict[str, Any]:
    said = one.model_dump(exclude_unset=True)
    if of_a_file and held is not None:
        said |= {name: {**(getattr(held, name) or {}), **said[name]} for name in _PARTED if name in said}
    return said


def _put(
    writing: Transaction, tenant: str, product_id: str, said: dict[str, Any], held: Product | None, now: datetime
) -> Literal["created", "updated", "unchanged"]:
    values = model.wanted(tenant, held.values() if held else {}, said)
    if held is None:
        writing.create(model.build(tenant, product_id, said["sku"], values, now))
        return "created"
    actions = model.actions(held, values, now)
    if not actions:
        return "unchanged"
    writing.update(Product, held.pk, held.sk, actions, held.unchanged())
    return "updated"
