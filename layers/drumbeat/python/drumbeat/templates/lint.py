"""Findings about a template that compiles: what would embarrass its sender."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from drumbeat.templates.engine import RESERVED, Compiled

GMAIL_CLIP = 102_000
"""Bytes of HTML after which Gmail hides the rest, with the unsubscribe link, behind "View entire message"."""

_SENTENCES = {
    "unsubscribe_url": ("missing_unsubscribe", "there was no unsubscribe link; the standard footer has one"),
    "postal_address": ("missing_postal_address", "there was no postal address; the standard footer has it"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """`severity` is `error` (the mail must not go out like this) or `warning`."""

    name: str
    message: str
    severity: str


def lint(compiled: Compiled, declared_variables: Collection[str]) -> list[Finding]:
    """Findings, errors first. `declared_variables` are names or dotted paths; a name covers what is below it."""
    findings = [_missing(compiled, name) for name in _SENTENCES if _lacks(compiled, name)]
    for variable in sorted(compiled.variables):
        if not _is_known(variable, declared_variables):
            sentence = f"nothing gives a value to {variable}: it stays empty; declare it or add `| default:`"
            findings.append(Finding("unknown_variable", sentence, "warning"))
    size = len(compiled.html.encode())
    if size > GMAIL_CLIP:
        sentence = f"the HTML has {size // 1000} KB before personalisation; Gmail clips beyond {GMAIL_CLIP // 1000} KB"
        findings.append(Finding("heavy_mail", sentence, "warning"))
    return sorted(findings, key=lambda finding: finding.severity != "error")


def _lacks(compiled: Compiled, name: str) -> bool:
    return name in compiled.added or name not in compiled.variables


def _missing(compiled: Compiled, name: str) -> Finding:
    finding, sentence = _SENTENCES[name]
    if name in compiled.added:
        return Finding(finding, sentence, "warning")
    return Finding(finding, f"add {{{{ {name} }}}}: every marketing mail must show it", "error")


def _is_known(variable: str, declared: Collection[str]) -> bool:
    root = variable.partition(".")[0]
    if root in RESERVED or root in declared or variable in declared:
        return True
    return any(name.startswith(f"{variable}.") or variable.startswith(f"{name}.") for name in declared)
