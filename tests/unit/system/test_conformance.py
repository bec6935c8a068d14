"""The API does what its document says: schemathesis asks every operation, with data that fits and data that does not.

A few requests each, always the same; `python -m tests.soak api` asks many more, and follows what answers lead to.
"""

from pathlib import Path

import pytest

from tests import conformance
from tests.unit.mail import provider
from tests.world import World

# Who asks what, and how many requests of each operation: three roles, two tenants.
ASKED = {
    "GET": ("acme, analyst", 1),
    "POST": ("acme, admin", 2),
    "PUT PATCH DELETE": ("globex, marketer", 2),
}


@pytest.mark.parametrize("methods", ASKED)
def test_every_answer_is_as_documented(world: World, tmp_path: Path, methods: str) -> None:
    with provider(tmp_path / "mail") as ses:
        conformance.verify_senders(ses)
        caller, examples = ASKED[methods]
        headers = conformance.callers(world)[caller]
        found = conformance.run(world, headers, methods=frozenset(methods.split()), examples=examples)

    assert not found.problems, "\n".join(found.problems)
    assert found.judged > 25


def test_every_operation_is_asked_by_its_method() -> None:
    methods = {method.upper() for of_path in conformance.document()["paths"].values() for method in of_path}
    assert methods == set(" ".join(ASKED).split())
