"""Telling what a document of Pinpoint's API holds. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from drumbeat.migrations.views import Kind

# What an answer of the API wraps its object in, and a list's page its objects.
_WRAPPED: Final[Mapping[str, Kind]] = {
    "SegmentResponse": "segment", "SegmentsResponse": "segment", "CampaignResponse": "campaign",
    "CampaignsResponse": "campaign", "EmailTemplateResponse": "template", "TemplatesResponse": "template",
    "JourneyResponse": "journey", "JourneysResponse": "journey", "SMSTemplateResponse": "other",
    "PushNotificationTemplateResponse": "other", "VoiceTemplateResponse": "other", "InAppTemplateResponse": "other",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Definition:
    """One object. `key` is its id, or a template's name."""

    kind: Kind
    key: str
    name: str
    said: Mapping[str, Any]


def definitions(documents: Sequence[Mapping[str, Any]]) -> list[Definition]:
    """The objects of all documents in their order; of several versions of one, the latest."""
    found: dict[tuple[str, str], Definition] = {}
    for number, document in enumerate(documents):
        for kind, said in _objects(document, None):
            name = str(said.get("Name") or said.get("TemplateName") or "")
            key = str(
                said.get("TemplateName") if kind == "template" else said.get("Id") or said.get("TemplateName") or ""
            )
            one = Definition(kind if key else "other", key or f"document {number}", name, said)
            before = found.get((one.kind, one.key))
            if before is None or _version(one) >= _version(before):
                found[one.kind, one.key] = one
    return list(found.values())


def _version(one: Definition) -> int:
    text = str(one.said.get("Version") or 0)
    return int(text) if text.isdecimal() else 0


def _objects(document: Mapping[str, Any], kind: Kind | None) -> Iterator[tuple[Kind, Mapping[str, Any]]]:
    wrapped = [name for name in _WRAPPED if isinstance(document.get(name), Mapping)]
    if wrapped:
        for name in wrapped:
            yield from _objects(document[name], _WRAPPED[name])
    elif isinstance(document.get("Item"), list):
        for one in document["Item"]:
            if isinstance(one, Mapping):
                yield from _objects(one, kind)
    else:
        yield kind or _kind(document), document


def _kind(said: Mapping[str, Any]) -> Kind:
    """Of an object without its wrapping."""
    if "StartActivity" in said or "Activities" in said:
        return "journey"
    if "SegmentType" in said or "SegmentGroups" in said or "Dimensions" in said:
        return "segment"
    if "SegmentId" in said:
        return "campaign"
    if "TemplateName" in said and str(said.get("TemplateType") or "EMAIL") == "EMAIL":
        return "template"
    return "other"
