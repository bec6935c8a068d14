"""Pinpoint's segments as criteria of ours. Pure.

A segment of Pinpoint (docs.aws.amazon.com/pinpoint/latest/apireference, SegmentResponse) is groups joined by `Include`.
In a group, the people of its base segments (`SourceType`) are filtered by its dimensions (`Type`). Inside of one
dimension object everything must hold. ALL is AND, ANY is OR, NONE is NOT of OR. Attributes have the names that the
import of endpoints gives them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from drumbeat.contacts.imports import pinpoint

Json = dict[str, Any]
# Criteria of a part; None for everybody.
Part = Json | None
_METRICS: Final = {
    "EQUAL": "equals", "GREATER_THAN": "greater_than", "LESS_THAN": "less_than",
    "GREATER_THAN_OR_EQUAL": "greater_or_equal", "LESS_THAN_OR_EQUAL": "less_or_equal",
}  # fmt: skip
_DATES: Final = {"BEFORE": "before", "AFTER": "after", "ON": "on"}
_CHANNELS: Final[Mapping[str, Json]] = {
    "EMAIL": {"field": "email", "operator": "is_set"},
    "SMS": {"field": "phone", "operator": "is_set"},
    "VOICE": {"field": "phone", "operator": "is_set"},
} | {name: {"consent": "push", "status": "granted"} for name in pinpoint.PUSH}
_GROUPS: Final = frozenset({"Groups", "Include"})
_GROUP: Final = frozenset({"Dimensions", "SourceSegments", "SourceType", "Type"})
_DIMENSIONS: Final = frozenset({"Attributes", "Behavior", "Demographic", "Location", "Metrics", "UserAttributes"})
_LOCATION: Final = frozenset({"Country", "GPSPoint"})
DAYS: Final = "dates without a time are days of the tenant's time zone, not of UTC"
PARTS: Final = "CONTAINS looks into a single text; of an attribute with several values it means one that is equal"
PUSH: Final = "who may get push messages stands for who has an endpoint of this kind"
BEHAVIOUR: Final = "it asks who used an app lately (Behavior), which an export does not say"


class NotCarried(Exception):
    """The definition cannot become one of ours; the message says why."""


class Reading:
    """Reads one segment. `known` has our ids for Pinpoint's segments that it is based on (`sources`)."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self.known = known
        self.differences: list[str] = []

    def criteria(self, segment: Mapping[str, Any]) -> Json:
        """Raises NotCarried."""
        if str(segment.get("SegmentType", "")).upper() == "IMPORT":
            return _root(self._imported(segment))
        if not {"SegmentGroups", "Dimensions"} & segment.keys():
            raise NotCarried("it has neither SegmentGroups nor Dimensions; send the answer of GetSegment")
        groups = _known(segment.get("SegmentGroups") or {}, _GROUPS)
        parts = [self._group(group) for group in groups.get("Groups") or []]
        joined = _joined(str(groups.get("Include") or "ALL"), parts)
        # The API repeats the only dimensions of a simple segment beside its groups.
        return _root(_all([joined, self._dimensions(segment.get("Dimensions") or {})]))

    def differs(self, what: str) -> None:
        if what not in self.differences:
            self.differences.append(what)

    def _imported(self, segment: Mapping[str, Any]) -> Part:
        tag = imported_tag(str(segment["Id"]))
        place = (segment.get("ImportDefinition") or {}).get("S3Url") or "Pinpoint"
        self.differs(f"its members are in the file that was imported from {place}: import that here with the tag {tag}")
        return {"tag": tag}

    def _group(self, group: Mapping[str, Any]) -> Part:
        _known(group, _GROUP)
        based_on: list[Part] = [{"segment": self.known[key]} for key in _sources(group)]
        dimensions = [self._dimensions(one) for one in group.get("Dimensions") or []]
        return _all([
            _joined(str(group.get("SourceType") or "ALL"), based_on),
            _joined(str(group.get("Type") or "ALL"), dimensions),
        ])  # fmt: skip

    def _dimensions(self, dimensions: Mapping[str, Any]) -> Part:
        _known(dimensions, _DIMENSIONS)
        if dimensions.get("Behavior"):
            raise NotCarried(BEHAVIOUR)
        parts: list[Part] = []
        for kind in ("Attributes", "UserAttributes"):
            parts += [self._attribute(name, one) for name, one in (dimensions.get(kind) or {}).items()]
        parts += [_metric(name, one) for name, one in (dimensions.get("Metrics") or {}).items()]
        for name, one in (dimensions.get("Demographic") or {}).items():
            parts.append(self._demographic(name, one))
        location = _known(dimensions.get("Location") or {}, _LOCATION)
        if location.get("Country") is not None:
            parts.append(_set(pinpoint.nested("Location", "Country"), location["Country"]))
        if location.get("GPSPoint") is not None:
            parts.append(_near(location["GPSPoint"]))
        return _all(parts)

    def _attribute(self, name: str, dimension: Mapping[str, Any]) -> Part:
        field, values = pinpoint.attribute(name), _values(dimension)
        kind = str(dimension.get("AttributeType") or "INCLUSIVE").upper()
        if kind in ("INCLUSIVE", "EXCLUSIVE"):
            return {"field": field, "operator": "in" if kind == "INCLUSIVE" else "not_in", "value": values}
        if kind == "CONTAINS":
            self.differs(PARTS)
            return _any([{"field": field, "operator": "contains", "value": value} for value in values])
        self.differs(DAYS)
        if kind == "BETWEEN":
            if len(values) != 2:
                raise NotCarried(f"the attribute {name!r} is BETWEEN {len(values)} values")
            return {"field": field, "operator": "between", "value": values}
        if kind not in _DATES:
            raise NotCarried(f"the attribute {name!r} has the unknown AttributeType {kind}")
        return _any([{"field": field, "operator": _DATES[kind], "value": value} for value in values])

    def _demographic(self, name: str, dimension: Mapping[str, Any]) -> Part:
        if name == "DeviceType":
            raise NotCarried("it asks for a DeviceType, which endpoints do not have")
        if name != "Channel":
            return _set(pinpoint.nested("Demographic", name), dimension)
        values = [value.upper() for value in _values(dimension)]
        unknown = [value for value in values if value not in _CHANNELS]
        if unknown:
            raise NotCarried(f"it asks for the channel {unknown[0]}, which there is not here")
        if pinpoint.PUSH & set(values):
            self.differs(PUSH)
        parts: list[Part] = [dict(_CHANNELS[value]) for value in values]
        return _none(parts) if _excludes(dimension) else _any(parts)


def _known(of: Mapping[str, Any], parts: frozenset[str]) -> Mapping[str, Any]:
    """The object itself. A part that is not read could be a condition: without it there would be more people."""
    unknown = [name for name, value in of.items() if name not in parts and value not in (None, "", [], {})]
    if unknown:
        raise NotCarried(f"it has the unknown part {unknown[0][:70]}")
    return of


def imported_tag(segment_id: str) -> str:
    """The tag that stands for a segment that was imported from a file."""
    return f"pinpoint-{segment_id}"[:64]


def sources(segment: Mapping[str, Any]) -> list[str]:
    """The ids of the segments that a segment is based on."""
    groups = (segment.get("SegmentGroups") or {}).get("Groups") or []
    return [key for group in groups for key in _sources(group)]


def versions(segment: Mapping[str, Any]) -> dict[str, Any]:
    """Which version of a segment it is based on, where it says so."""
    groups = (segment.get("SegmentGroups") or {}).get("Groups") or []
    return {str(one["Id"]): one.get("Version") for group in groups for one in group.get("SourceSegments") or []}


def _sources(group: Mapping[str, Any]) -> list[str]:
    return [str(source["Id"]) for source in group.get("SourceSegments") or []]


def _values(dimension: Mapping[str, Any]) -> list[str]:
    values = [str(value) for value in dimension.get("Values") or []]
    if not values:
        raise NotCarried("it has a condition without values")
    return values


def _excludes(dimension: Mapping[str, Any]) -> bool:
    return str(dimension.get("DimensionType") or "INCLUSIVE").upper() == "EXCLUSIVE"


def _set(field: str, dimension: Mapping[str, Any]) -> Part:
    return {"field": field, "operator": "not_in" if _excludes(dimension) else "in", "value": _values(dimension)}


def _metric(name: str, dimension: Mapping[str, Any]) -> Part:
    operator = _METRICS.get(str(dimension.get("ComparisonOperator") or "").upper())
    if operator is None or not isinstance(dimension.get("Value"), int | float):
        raise NotCarried(f"the metric {name!r} is compared in an unknown way")
    return {"field": pinpoint.attribute(name), "operator": operator, "value": dimension["Value"]}


def _near(point: Mapping[str, Any]) -> Part:
    place = point.get("Coordinates") or {}
    if "Latitude" not in place or "Longitude" not in place or not point.get("RangeInKilometers"):
        raise NotCarried("it has a GPSPoint without coordinates or range")
    near = {"latitude": place["Latitude"], "longitude": place["Longitude"]}
    return {"near": near, "within_km": point["RangeInKilometers"]}


def _joined(how: str, parts: Sequence[Part]) -> Part:
    joins: Mapping[str, Callable[[Sequence[Part]], Part]] = {"ALL": _all, "ANY": _any, "NONE": _none}
    if how.upper() not in joins:
        raise NotCarried(f"it joins conditions by {how}, which is none of ALL, ANY and NONE")
    return joins[how.upper()](parts)


def _all(parts: Sequence[Part]) -> Part:
    found: list[Json] = []
    for part in parts:
        inner = part["conditions"] if part and part.get("logic") == "AND" else [part]
        found += [one for one in inner if one is not None and one not in found]
    return None if not found else found[0] if len(found) == 1 else {"logic": "AND", "conditions": found}


def _any(parts: Sequence[Part]) -> Part:
    found = [part for part in parts if part is not None]
    if found and len(found) < len(parts):
        raise NotCarried("one of the alternatives that it joins by ANY is everybody")
    if not found:
        return None
    return found[0] if len(found) == 1 else {"logic": "OR", "conditions": found}


def _none(parts: Sequence[Part]) -> Part:
    if not parts:
        return None
    inner = _any(parts)
    if inner is None:
        raise NotCarried("nobody can be in it: it excludes everybody")
    return {"logic": "NOT", "conditions": [inner]}


def _root(part: Part) -> Json:
    if part is None:
        return {"logic": "AND", "conditions": []}
    return part if "logic" in part else {"logic": "AND", "conditions": [part]}
