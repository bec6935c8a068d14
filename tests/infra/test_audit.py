"""An audit says what is known, and that nothing is known where nobody answered."""

from typing import Any

from infra import audit

PINNED = {"pyjwt": "2.15.1"}


def package(name: str = "pyjwt", version: str = "2.15.1", *known: str) -> dict[str, Any]:
    return {"name": name, "version": version, "vulns": [{"id": one, "fix_versions": ["9.9"]} for one in known]}


def test_asked_and_nothing_known() -> None:
    found = audit.of_python({"dependencies": [package(), package("ruff", "1")]}, PINNED)

    assert found.code == audit.SAFE
    assert found.told("Python packages") == "Python packages: no known vulnerabilities in 2"


def test_a_vulnerability_is_named_with_what_mends_it() -> None:
    found = audit.of_python({"dependencies": [package("PyJWT", "2.15.1", "CVE-2026-48526")]}, PINNED)

    assert found.code == audit.VULNERABLE
    assert "pyjwt 2.15.1: CVE-2026-48526, mended by 9.9" in found.told("Python packages")


def test_an_index_that_does_not_answer_is_no_good_news() -> None:
    silent = {"name": "PyJWT", "skip_reason": "Dependency not found on PyPI and could not be audited"}
    found = audit.of_python({"dependencies": [silent, package("ruff", "1")]}, PINNED)

    assert found.code == audit.UNKNOWN
    assert "NOT KNOWN. The index gave no answer for 1 of 2 (pyjwt)" in found.told("Python packages")
    assert "no known vulnerabilities" not in found.told("Python packages")


def test_what_ships_must_have_been_asked_about_as_it_is_pinned() -> None:
    for installed in ([], [package(version="2.0.0")]):
        assert audit.of_python({"dependencies": installed}, PINNED).code == audit.UNKNOWN


def test_reports_of_npm() -> None:
    total = {"metadata": {"dependencies": {"total": 3}}, "vulnerabilities": {}}
    bad = {**total, "vulnerabilities": {"tar": {"severity": "high", "range": "<7"}}}

    assert audit.of_node(total).told("npm packages") == "npm packages: no known vulnerabilities in 3"
    assert (audit.of_node(bad).code, audit.of_node(bad).vulnerable) == (audit.VULNERABLE, ["  tar: high, <7"])
    assert audit.of_node({"error": {"code": "ENOAUDIT"}}).code == audit.UNKNOWN
    assert audit.of_node({}).code == audit.UNKNOWN


def test_every_line_of_the_requirements_is_a_pin() -> None:
    assert all(audit.pins().values())
    assert "cryptography" in audit.pins()
