"""Pinpoint's campaigns as drafts of ours. Pure.

Source: docs.aws.amazon.com/pinpoint/latest/apireference, CampaignResponse.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr
from typing import Any, Final

from drumbeat import clock
from drumbeat.contacts import addresses
from drumbeat.migrations.audiences import NotCarried
from drumbeat.migrations.handlebars import Translation, Untranslatable

OTHERS: Final = {
    "SMSMessage": "text message", "DefaultMessage": "default message", "APNSMessage": "push message (APNs)",
    "GCMMessage": "push message (GCM)", "ADMMessage": "push message (ADM)", "BaiduMessage": "push message (Baidu)",
    "CustomMessage": "message through a custom channel", "InAppMessage": "in-app message",
}  # fmt: skip
_FEWEST_SECONDS: Final = 60


@dataclass
class Plan:
    """What a campaign becomes: fields of `NewCampaign`, and the share of people who are held out."""

    fields: dict[str, Any] = field(default_factory=dict)
    holdout: float | None = None
    differences: list[str] = field(default_factory=list)

    def differs(self, what: str) -> None:
        self.differences.append(what)


def plan(
    campaign: Mapping[str, Any],
    *,
    segment_id: str,
    template: Callable[[Mapping[str, Any], Plan], str],
    now: datetime,
) -> Plan:
    """`segment_id` is ours; `template` gives our id for a template of Pinpoint's. Raises NotCarried."""
    made = Plan()
    _content(campaign, made, template)
    made.fields["audience"] = {"segments": [segment_id]}
    _schedule(campaign.get("Schedule") or {}, made, now)
    _limits(campaign.get("Limits") or {}, made)
    made.holdout = campaign.get("HoldoutPercent") or None
    _rest(campaign, made)
    return made


def _content(campaign: Mapping[str, Any], made: Plan, template: Callable[[Mapping[str, Any], Plan], str]) -> None:
    messages = campaign.get("MessageConfiguration") or {}
    mail = messages.get("EmailMessage") or {}
    chosen = (campaign.get("TemplateConfiguration") or {}).get("EmailTemplate")
    others = [text for name, text in OTHERS.items() if messages.get(name)]
    if not (mail.get("HtmlBody") or mail.get("Body") or chosen):
        raise NotCarried(f"it sends no e-mail, but a {others[0]}" if others else "it sends no e-mail")
    if chosen:
        made.fields["template_id"] = template(chosen, made)
    else:
        _own(mail, made)
    for text in others:
        made.differs(f"its {text} is left out")
    if mail.get("Headers"):
        made.differs("its own mail headers are left out")
    _sender(mail.get("FromAddress"), made)


def _own(mail: Mapping[str, Any], made: Plan) -> None:
    """A message that the campaign has itself."""
    if not mail.get("Title"):
        raise NotCarried("its e-mail has no subject (Title)")
    try:
        made.fields |= body(
            {"subject": mail["Title"], "html": mail.get("HtmlBody"), "text": mail.get("Body")}, {}, made.differences
        )
    except Untranslatable as problem:
        raise NotCarried(f"its message cannot be translated: {problem}") from problem


def body(parts: Mapping[str, Any], defaults: Mapping[str, str], differences: list[str]) -> dict[str, str]:
    """Subject, HTML and text in Liquid; a mail that has only text gets its lines as HTML. Raises Untranslatable."""
    translation = Translation(defaults)
    made = {name: translation.liquid(str(source)) for name, source in parts.items() if source}
    if "html" not in made and "text" in made:
        lines = translation.liquid(str(parts["text"]).replace("\r\n", "\n"), escaped=True)
        made["html"] = "<p>" + lines.replace("\n\n", "</p>\n<p>").replace("\n", "<br>\n") + "</p>"
        differences.append("it had no HTML; its text is the HTML too")
    differences.extend(one for one in translation.differences if one not in differences)
    return made


def _sender(text: Any, made: Plan) -> None:
    if not text:
        return
    name, address = parseaddr(str(text))
    try:
        made.fields["sender_email"] = addresses.email(address)
    except addresses.BadAddress:
        made.differs(f"its sender {str(text)[:100]!r} is no address; the tenant's is used")
        return
    if name:
        made.fields["sender_name"] = name[:100]


def _schedule(schedule: Mapping[str, Any], made: Plan, now: datetime) -> None:
    frequency = str(schedule.get("Frequency") or "ONCE").upper()
    if "EVENT" in frequency:
        raise NotCarried("it answers to an event; that is a journey, not a campaign")
    start, local = str(schedule.get("StartTime") or ""), bool(schedule.get("IsLocalTime"))
    if frequency != "ONCE":
        made.differs(f"it was sent again ({frequency}, from {start or 'no time'}); a campaign here is sent once")
    elif start and start.upper() != "IMMEDIATE":
        _start(start, local, str(schedule.get("Timezone") or "UTC"), made, now)
    quiet = schedule.get("QuietTime") or {}
    if quiet.get("Start") and quiet.get("End"):
        made.differs(f"its quiet time from {quiet['Start']} to {quiet['End']} of the recipient's clock is left out")


def _start(start: str, local: bool, zone: str, made: Plan, now: datetime) -> None:
    try:
        at = clock.parse(start)
    except ValueError:
        made.differs(f"its StartTime {start[:40]!r} is no time")
        return
    if local and at > now:
        made.fields |= {"send_in_recipient_zone": True, "local_send_at": at.replace(tzinfo=None).isoformat()}
        made.differs(f"it is a draft; schedule it to be sent at {start} of each recipient's clock")
    elif at > now:
        made.differs(f"it is a draft; schedule it for {start}{'' if zone == 'UTC' else f' ({zone})'}")
    else:
        made.differs(f"its time, {start}, is over; launch the draft, or schedule it anew")


def _limits(limits: Mapping[str, Any], made: Plan) -> None:
    if limits.get("MessagesPerSecond"):
        made.fields["limits"] = {"per_second": int(limits["MessagesPerSecond"])}
    if limits.get("MaximumDuration"):
        made.fields["expire_after"] = max(_FEWEST_SECONDS, int(limits["MaximumDuration"]))
    # Daily and Total are met: a campaign here sends to each recipient once. 0 means no limit.


def _rest(campaign: Mapping[str, Any], made: Plan) -> None:
    treatments = campaign.get("AdditionalTreatments") or []
    for one in treatments:
        name = one.get("TreatmentName") or one.get("Id") or "without a name"
        made.differs(f"its treatment {name} ({one.get('SizePercent', '?')} %) is left out: it was an A/B test")
    hook = campaign.get("Hook") or {}
    if hook.get("LambdaFunctionName"):
        made.differs(f"its hook {hook['LambdaFunctionName']} is not called")
    if hook.get("WebUrl"):
        made.differs("its web hook is not called")
    if campaign.get("Description"):
        made.differs("its description is left out")
    if campaign.get("tags"):
        made.differs(
            "its tags are left out: " + ", ".join(f"{name}={value}" for name, value in campaign["tags"].items())
        )
