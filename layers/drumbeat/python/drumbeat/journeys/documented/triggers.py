"""What the documents let a journey be started by, as canonical triggers."""

from collections.abc import Mapping
from typing import Any

from drumbeat.journeys.documented import words
from drumbeat.journeys.documented.words import Wrong, first

TYPES = ("user_action", "event_based", "date_based", "api_trigger")
_EVENT = ("event", "event_name", "event_type", "type", "name", "filters", "conditions", "properties", "segment",
          "segment_id")  # fmt: skip
_SEGMENT = ("segment", "segment_id", "target_segment")
_SEGMENT_EVENTS = frozenset({"segment_entered", "segment_joined", "segment.joined", "entered_segment", "segment"})
_DATE = ("date_field", "field", "attribute", "date_attribute", "days_before", "days_after", "offset_days", "days",
         "time", "at", "send_time", "yearly", "recurring", "segment", "segment_id")  # fmt: skip
_SCHEDULE = ("date", "scheduled_time", "start_date", "at", "every", "interval", "segment", "segment_id")


def of(kind: Any, conditions: Any, place: str) -> dict[str, Any]:
    """The trigger of a documented type with its conditions. Raises Wrong."""
    said = words.an_object(conditions if conditions is not None else {}, place)
    if kind in ("user_action", "event_based"):
        return event(said, place)
    if kind == "date_based":
        scheduled = first(said, "date", "scheduled_time", "start_date") is not None
        return _schedule(said, place) if scheduled else _date(said, place)
    if kind == "api_trigger":
        words.only(said, place, ())
        return {"type": "api"}
    raise Wrong("trigger_type", f"must be one of {', '.join(TYPES)}")


def event(said: Mapping[str, Any], place: str) -> dict[str, Any]:
    """An event, or joining a segment."""
    words.only(said, place, _EVENT)
    segment = first(said, "segment", "segment_id")
    named = first(said, "event", "event_name", "event_type", "type", "name")
    if segment is not None and (named is None or named in _SEGMENT_EVENTS):
        return {"type": "segment", "segment": str(segment)}
    _alone(said, place)
    asked = first(said, "filters", "conditions", "properties")
    return {
        "type": "event", "event": words.event(named, f"{place}.event"),
        "filters": words.filters(asked, f"{place}.filters"),
    }  # fmt: skip


def _alone(said: Mapping[str, Any], place: str) -> None:
    """Refuse a segment beside a trigger that would not look at it: everybody else would enter too. Raises Wrong."""
    found = next((name for name in _SEGMENT if said.get(name) is not None), None)
    if found is not None:
        raise Wrong(f"{place}.{found}".lstrip("."), "does not go with this trigger; ask for the segment in a condition "
                    'instead: {"segment": "…"}')  # fmt: skip


def _date(said: Mapping[str, Any], place: str) -> dict[str, Any]:
    words.only(said, place, _DATE)
    attribute = first(said, "date_field", "field", "attribute", "date_attribute")
    if attribute is None:
        raise Wrong(f"{place}.date_field", "must name the attribute that holds the date, such as birthday; or give the "
                    "time of a schedule as `date`")  # fmt: skip
    before = said.get("days_before")
    if before is not None and (isinstance(before, bool) or not isinstance(before, int)):
        raise Wrong(f"{place}.days_before", "must be a whole number of days")
    days = -before if before is not None else first(said, "days_after", "offset_days", "days") or 0
    more = {
        "at": first(said, "time", "at", "send_time"), "yearly": first(said, "yearly", "recurring"),
        "segment": first(said, "segment", "segment_id"),
    }  # fmt: skip
    said_more = {name: value for name, value in more.items() if value is not None}
    return {"type": "date", "attribute": attribute, "days": days, **said_more}


def _schedule(said: Mapping[str, Any], place: str) -> dict[str, Any]:
    words.only(said, place, _SCHEDULE)
    every = first(said, "every", "interval")
    made = {
        "type": "schedule", "at": first(said, "date", "scheduled_time", "start_date"),
        "segment": str(first(said, "segment", "segment_id") or ""),
    }  # fmt: skip
    return made | ({} if every is None else {"every": words.duration(every, f"{place}.every").total_seconds()})


def plain(said: Mapping[str, Any]) -> dict[str, Any]:
    """The trigger of a rule or a sequence: a name, an object, a segment, or the words of a workflow; without any,
    requests enrol people. Raises Wrong."""
    trigger = first(said, "trigger", "trigger_event", "event", "trigger_type")
    segment = first(said, *_SEGMENT)
    if trigger is not None and not (isinstance(trigger, str) and trigger in _SEGMENT_EVENTS):
        _alone(said, "")
    if (kind := said.get("trigger_type")) in TYPES:
        return of(kind, said.get("trigger_conditions"), "trigger_conditions")
    if isinstance(trigger, str) and trigger not in ("api", "manual"):
        joined = {"segment": segment} if segment is not None else {}
        conditions = words.an_object(said.get("trigger_conditions") or {}, "trigger_conditions")
        return event({"event": trigger, **joined, **({"filters": conditions} if conditions else {})}, "trigger")
    if isinstance(trigger, Mapping):
        kind = trigger.get("type")
        if kind in TYPES:
            return of(kind, {name: value for name, value in trigger.items() if name != "type"}, "trigger")
        return dict(trigger) if kind in ("segment", "api", "date", "schedule") else _named(trigger)
    if trigger is not None and not isinstance(trigger, str):
        raise Wrong("trigger", "must be an event's name, or an object with `type` and `event`")
    return {"type": "segment", "segment": str(segment)} if segment is not None else {"type": "api"}


def _named(trigger: Mapping[str, Any]) -> dict[str, Any]:
    """`{"type": "event", "event": …}`, or an event that is called the type itself."""
    inner = {name: value for name, value in trigger.items() if not (name == "type" and value == "event")}
    return event(inner, "trigger")
