"""What documents let a journey do, as canonical steps. Each kind says which names it reads; others are refused."""

from collections.abc import Callable, Mapping
from typing import Any

from drumbeat.journeys.documented import words
from drumbeat.journeys.documented.words import Wrong, first

Said = Mapping[str, Any]
Made = dict[str, Any]

# What every step of a document may have.
COMMON = ("step_id", "id", "type", "action", "name", "step_name", "next", "next_step", "next_step_id", "description")
_MESSAGE = ("template_id", "template", "personalization", "priority", "purpose")


def _message(words_of: Said, place: str, channel: str, **parts: Any) -> Made:
    """A message of a template, or of its own parts."""
    made: Made = {"type": "send", "channel": channel}
    template = first(words_of, "template_id", "template")
    own = {name: value for name, value in parts.items() if value not in (None, {})}
    if template is not None:
        made["template"] = str(template)
        if "subject" in own:
            made["subject"] = own["subject"]
    elif own:
        made["message"] = own
    else:
        raise Wrong(f"{place}.template_id", "must name a template; or say what the message is")
    return made | {name: words_of[name] for name in ("priority", "purpose") if words_of.get(name) is not None}


def _send_email(said: Said, place: str) -> Made:
    made = _message(
        said, place, "email",
        subject=first(said, "subject", "subject_line"), html=first(said, "html_content", "html", "content", "body"),
        text=first(said, "text_content", "text"),
    )  # fmt: skip
    sender = ("sender_name", "sender_email", "reply_to")
    return made | {name: said[name] for name in sender if said.get(name) is not None}


def _send_sms(said: Said, place: str) -> Made:
    more = {name: said[name] for name in ("sender_id", "media_urls") if said.get(name) is not None}
    text = first(said, "message_content", "message", "content", "text", "body")
    return _message(said, place, "sms", text=text, said=more)


def _send_push(said: Said, place: str) -> Made:
    text = first(said, "message", "body", "content", "text")
    return _message(said, place, "push", subject=first(said, "title", "subject"), text=text)


def _call_webhook(said: Said, place: str) -> Made:
    if "url" in said or "webhook_url" in said:
        raise Wrong(f"{place}.url", "requests go to the address of your webhook account; set that up as a provider "
                    "account, and leave it out here")  # fmt: skip
    return {"type": "call_webhook", "message": {"text": _json(first(said, "payload", "body", "data"))}}


def _json(payload: Any) -> str | None:
    """A payload as the text of a message, compact; a text stays (it may be a template)."""
    from pydantic_core import to_json

    return payload if payload is None or isinstance(payload, str) else to_json(payload).decode()


def _wait(said: Said, place: str) -> Made:
    if (until := first(said, "until", "until_time", "time")) is not None:
        return {"type": "wait", "until_time": until}
    asked = first(said, "duration", "delay", "wait", "value")
    return {"type": "wait", "duration": words.duration(asked, f"{place}.duration", said.get("unit")).total_seconds()}


def _wait_for_event(said: Said, place: str) -> Made:
    limit = first(said, "time_out", "timeout", "duration")
    otherwise = first(said, "on_time_out", "on_timeout", "if_false")
    made: Made = {
        "type": "wait_for_event", "event": words.event(first(said, "event", "event_name"), f"{place}.event"),
        "filters": words.filters(said.get("filters"), f"{place}.filters"),
        "time_out": words.duration(limit, f"{place}.timeout").total_seconds(),
    }  # fmt: skip
    if (met := first(said, "on_event", "if_true")) is not None:
        made["next"] = str(met)
    return made | ({} if otherwise is None else {"on_time_out": str(otherwise)})


def _update_contact(said: Said, place: str) -> Made:
    changes = first(said, "updates", "fields", "attributes", "set", "data")
    if changes is None and (name := first(said, "field", "attribute")) is not None:
        changes = {str(name): said.get("value")}
    changes = words.an_object(changes, f"{place}.updates")
    gone = [name for name, value in changes.items() if value is None]
    kept = {name: value for name, value in changes.items() if value is not None}
    return {"type": "update_contact", "set": kept, "unset": gone}


def _tags(said: Said, place: str) -> list[str]:
    found = first(said, "tags", "tag", "value")
    if not found:
        raise Wrong(f"{place}.tag", "must name a tag")
    return [str(one) for one in (found if isinstance(found, list) else [found])]


def _add_tag(said: Said, place: str) -> Made:
    return {"type": "update_contact", "add_tags": _tags(said, place)}


def _remove_tag(said: Said, place: str) -> Made:
    return {"type": "update_contact", "remove_tags": _tags(said, place)}


def _add_to_segment(said: Said, place: str) -> Made:
    return {"type": "add_to_segment", "segment": str(first(said, "segment_id", "segment", "list_id") or "")}


def _award_points(said: Said, place: str) -> Made:
    made: Made = {"type": "award_points", "points": first(said, "points", "value")}
    return made | ({"reason": said["reason"]} if said.get("reason") else {})


def _enrol(said: Said, place: str) -> Made:
    named = first(said, "workflow_id", "sequence_id", "journey_id", "rule_id", "journey")
    return {"type": "enrol", "journey": str(named or "")}


def _goal(said: Said, place: str) -> Made:
    if said.get("event") is None:
        return {"type": "goal"}
    found = words.filters(said.get("filters"), f"{place}.filters")
    return {"type": "goal", "event": words.event(said["event"], f"{place}.event"), "filters": found}


def _exit(said: Said, place: str) -> Made:
    return {"type": "exit", **({"reason": said["reason"]} if said.get("reason") else {})}


Reader = Callable[[Said, str], Made]
_EMAIL = (*_MESSAGE, "subject", "subject_line", "html_content", "html", "content", "body", "text_content", "text",
          "sender_name", "sender_email", "reply_to")  # fmt: skip
_SMS = (*_MESSAGE, "message_content", "message", "content", "text", "body", "sender_id", "media_urls")
_PUSH = (*_MESSAGE, "title", "subject", "message", "body", "content", "text")
_HOOK = ("payload", "body", "data", "url", "webhook_url")
_TIME = ("duration", "delay", "wait", "value", "unit", "until", "until_time", "time")
_EVENT = ("event", "event_name", "filters", "time_out", "timeout", "duration", "on_time_out", "on_timeout", "if_false",
          "on_event", "if_true")  # fmt: skip
_CHANGES = ("updates", "fields", "attributes", "set", "data", "field", "attribute", "value")
_TAG, _LIST = ("tags", "tag", "value"), ("segment_id", "segment", "list_id")
_OTHER = ("workflow_id", "sequence_id", "journey_id", "rule_id", "journey")

# Kind → how it is read, and what it may have besides `COMMON`.
KINDS: Mapping[str, tuple[Reader, tuple[str, ...]]] = {
    **dict.fromkeys(("send_email", "email"), (_send_email, _EMAIL)),
    **dict.fromkeys(("send_sms", "sms"), (_send_sms, _SMS)),
    **dict.fromkeys(("send_push", "send_push_notification", "push_notification", "push"), (_send_push, _PUSH)),
    **dict.fromkeys(("call_webhook", "send_webhook", "webhook"), (_call_webhook, _HOOK)),
    **dict.fromkeys(("wait", "delay"), (_wait, _TIME)),
    "wait_for_event": (_wait_for_event, _EVENT),
    **dict.fromkeys(("update_contact", "update_customer", "update_profile", "update_lead", "update_field"),
                    (_update_contact, _CHANGES)),
    **dict.fromkeys(("add_tag", "tag"), (_add_tag, _TAG)),
    "remove_tag": (_remove_tag, _TAG),
    **dict.fromkeys(("add_to_segment", "add_to_list"), (_add_to_segment, _LIST)),
    **dict.fromkeys(("award_points", "add_points"), (_award_points, ("points", "value", "reason"))),
    **dict.fromkeys(("enrol", "enroll", "start_workflow", "trigger_workflow", "start_sequence", "enroll_in_sequence",
                     "add_to_sequence"), (_enrol, _OTHER)),
    "goal": (_goal, ("event", "filters")),
    **dict.fromkeys(("exit", "end", "stop"), (_exit, ("reason",))),
}  # fmt: skip
# The documents' words for fields of our steps, for refusals.
NAMES = {"template": "template_id", "segment": "segment_id", "journey": "workflow_id", "until_time": "until"}


def made(said: Said, place: str, others: tuple[str, ...] = (), more: tuple[str, ...] = ()) -> Made:
    """The step of an action; `more` are names that the caller reads. Raises Wrong."""
    kind = said.get("type", said.get("action"))
    if not isinstance(kind, str) or kind not in KINDS:
        known = ", ".join((*others, *KINDS))
        raise Wrong(f"{place}.type", f"must be one of {known}")
    reader, known_names = KINDS[kind]
    words.only(said, place, (*COMMON, *known_names, *more))
    step = reader(said, place)
    if (name := first(said, "name", "step_name")) is not None:
        step["name"] = name
    return step
