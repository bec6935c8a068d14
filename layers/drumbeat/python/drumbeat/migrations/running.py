"""Making what definitions of Pinpoint say: templates first, then segments, then the campaigns that use them.

What is made has an id that follows from Pinpoint's, so doing it again, also after half of it, makes nothing twice.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from drumbeat import ids
from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import planning
from drumbeat.campaigns.declared import REFERS
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.views import NewCampaign
from drumbeat.counts import Count
from drumbeat.errors import Invalid, NotFound, Refusal
from drumbeat.migrations import audiences, documents, plans
from drumbeat.migrations.audiences import Json, NotCarried
from drumbeat.migrations.documents import Definition
from drumbeat.migrations.handlebars import Untranslatable
from drumbeat.migrations.plans import Plan
from drumbeat.migrations.views import MOST_DEFINITIONS, MOST_DIFFERENCES, NewMigration, ResultView, result
from drumbeat.segments import changes, rules
from drumbeat.segments import model as segments
from drumbeat.segments.model import State
from drumbeat.segments.views import NewSegment
from drumbeat.templates import model as templates
from drumbeat.templates import saving
from drumbeat.templates.checks import Written
from drumbeat.templates.model import Template
from drumbeat.templates.saving import Draft
from drumbeat.templates.views import NewTemplate

T = TypeVar("T")
# An HTTP API waits half a minute; what is left is named in the report, and made when it is sent again.
MOST_SECONDS = 20.0
READS = (Tenant, *REFERS)
WRITES = (Campaign, Count, *templates.WRITES, *changes.WRITES)
_JOURNEY = "journeys are not taken over; build it anew"
_OTHER = "it is no segment, campaign or e-mail template of Pinpoint's API"


class Migrating:
    """One run. Segments come when they are asked for, so their order does not matter."""

    def __init__(self, tenant: str, asked: NewMigration, actor: str, now: datetime) -> None:
        self.tenant, self.asked, self.actor, self.now = tenant, asked, actor, now
        self.definitions = documents.definitions(asked.documents)
        if len(self.definitions) > MOST_DEFINITIONS:
            most = f"have {len(self.definitions)} definitions, at most {MOST_DEFINITIONS} go into one request"
            raise Invalid.field("documents", most)
        self.uploaded = {one.key: one for one in self.definitions if one.kind == "segment"}
        self.versions = {one.key: str(one.said.get("Version")) for one in self.definitions if one.kind == "template"}
        self.results: dict[tuple[str, str], ResultView] = {}
        self.under_way: list[str] = []
        self.until = time.monotonic() + MOST_SECONDS

    def run(self) -> list[ResultView]:
        """The results in the order of the definitions."""
        for kind in ("template", "segment", "campaign", "journey", "other"):
            for one in self.definitions:
                if one.kind == kind and (one.kind, one.key) not in self.results:
                    self._do(one)
        return [self.results[one.kind, one.key] for one in self.definitions]

    def _do(self, one: Definition) -> ResultView:
        differences: list[str] = []
        try:
            if time.monotonic() > self.until:
                raise NotCarried("the request's time was over; send it again, and it is made")
            made_id, there = {
                "template": self._template, "segment": self._segment, "campaign": self._campaign,
            }.get(one.kind, self._nothing)(one, differences)  # fmt: skip
        except (NotCarried, Untranslatable) as problem:
            done = result(one.kind, one.key, one.name or None, outcome="not_carried", reason=str(problem)[:500])
        except Refusal as refusal:
            reason = "; ".join(f"{detail.field}: {detail.message}" for detail in refusal.details) or refusal.message
            done = result(one.kind, one.key, one.name or None, outcome="not_carried", reason=reason[:500])
        else:
            done = result(
                one.kind, one.key, one.name or None, outcome="approximated" if differences else "exact", id=made_id,
                already_there=there, differences=[text[:300] for text in differences[:MOST_DIFFERENCES]],
            )  # fmt: skip
        self.results[one.kind, one.key] = done
        return done

    def _nothing(self, one: Definition, differences: list[str]) -> tuple[str, bool]:
        raise NotCarried(_JOURNEY if one.kind == "journey" else _OTHER)

    def _id(self, prefix: str, key: str, *more: str) -> str:
        return ids.derived(prefix, self.tenant, "pinpoint", key, *more)

    # Templates

    def _template(self, one: Definition, differences: list[str]) -> tuple[str, bool]:
        said, template_id = one.said, self._id("tpl", one.key)
        if not (said.get("HtmlPart") or said.get("TextPart")):
            raise NotCarried("it has no HtmlPart and no TextPart; send the answer of GetEmailTemplate")
        if not said.get("Subject"):
            raise NotCarried("it has no subject")
        parts = {"subject": said["Subject"], "html": said.get("HtmlPart"), "text": said.get("TextPart")}
        made = plans.body(parts, _defaults(said.get("DefaultSubstitutions")), differences)
        for name, what in (("Headers", "mail headers"), ("tags", "tags"), ("RecommenderId", "recommender")):
            if said.get(name):
                differences.append(f"its {what} are left out" if what.endswith("s") else f"its {what} is left out")
        there = Template.fetch(*Template.key(self.tenant, template_id)) is not None
        note = f"Migrated from Amazon Pinpoint. {said.get('TemplateDescription') or ''}".strip()[:500]
        new = _validated(NewTemplate, {"name": one.key, "note": note, **made})
        self._check(one.key, made)
        if not there and not self.asked.dry_run:
            saving.create(self.tenant, new, template_id=template_id, actor=self.actor, now=self.now)
        return template_id, there

    def _check(self, name: str, made: Mapping[str, str]) -> None:
        """Raises Invalid for what does not compile."""
        written = Written(made["subject"], made["html"], None, made.get("text"))
        saving.check(self.tenant, Draft(name, settings.of(self.tenant).language, {"": written}))

    def _template_of(self, chosen: Mapping[str, Any], plan: Plan) -> str:
        name = str(chosen.get("Name"))
        template_id, done = self._id("tpl", name), self.results.get(("template", name))
        if done is not None and done.id is None:
            raise NotCarried(f"its template {name!r} was not carried over")
        if done is None and Template.fetch(*Template.key(self.tenant, template_id)) is None:
            raise NotCarried(f"its template {name!r} is neither in this request nor migrated; send it along")
        wanted, sent = chosen.get("Version"), self.versions.get(name)
        if wanted and wanted != "latest" and sent and str(wanted) != sent:
            plan.differs(f"it used version {wanted} of its template; version {sent} was sent along")
        return template_id

    # Segments

    def _segment(self, one: Definition, differences: list[str]) -> tuple[str, bool]:
        if one.key in self.asked.segments:
            return self._mapped(one.key), True
        segment_id = self._id("seg", one.key)
        self.under_way.append(one.key)
        try:
            # They are made outside of the translation, so that a fault in making them is none of the definition's.
            known = {key: self._segment_of(key) for key in _understood(lambda: audiences.sources(one.said))}
            reading = audiences.Reading(known)
            criteria = _understood(lambda: reading.criteria(one.said))
        finally:
            self.under_way.pop()
        differences += reading.differences
        for key, wanted in audiences.versions(one.said).items():
            sent = self.uploaded[key].said.get("Version") if key in self.uploaded else None
            if wanted and sent and wanted != sent:
                differences.append(f"it used version {wanted} of the segment {key}; version {sent} was sent along")
        if one.said.get("tags"):
            differences.append("its tags are left out")
        return segment_id, self._make_segment(segment_id, one.name or one.key, criteria)

    def _make_segment(self, segment_id: str, name: str, criteria: Json) -> bool:
        """Make it, unless it is there: whether it is. Raises CriteriaRefused, TooManySegments."""
        new = _validated(NewSegment, {"name": name[:255], "criteria": criteria, "description": "From Amazon Pinpoint"})
        try:
            rules.parse(criteria)
        except rules.CriteriaError as problem:
            raise NotCarried(str(problem)) from problem
        held = segments.find(self.tenant, segment_id)
        if held is not None and held.state != State.DELETING:
            return True
        if not self.asked.dry_run:
            changes.create(self.tenant, new, segment_id=segment_id, created_by=self.actor, now=self.now)
        return False

    def _segment_of(self, key: str) -> str:
        """Our id for a segment that something refers to."""
        if key in self.asked.segments:
            return self._mapped(key)
        if key in self.under_way:
            raise NotCarried(f"it is based on the segment {key}, which is based on it")
        if key in self.uploaded:
            done = self.results.get(("segment", key)) or self._do(self.uploaded[key])
            if done.id is None:
                raise NotCarried(f"its segment {done.name or key} was not carried over: {done.reason}")
            return done.id
        held = segments.find(self.tenant, self._id("seg", key))
        if held is None or held.state == State.DELETING:
            raise NotCarried(
                f"its segment {key} is neither in this request nor migrated; send it along, or name one in `segments`"
            )
        return held.segment_id

    def _mapped(self, key: str) -> str:
        try:
            return segments.get(self.tenant, self.asked.segments[key]).segment_id
        except NotFound as problem:
            raise NotCarried(f"`segments` maps {key} to a segment that there is not") from problem

    # Campaigns

    def _campaign(self, one: Definition, differences: list[str]) -> tuple[str, bool]:
        campaign_id = self._id("cmp", one.key)
        segment_id = self._segment_of(str(one.said.get("SegmentId") or ""))
        plan = _understood(
            lambda: plans.plan(one.said, segment_id=segment_id, template=self._template_of, now=self.now)
        )
        self._version(one, plan)
        there = Campaign.fetch(*Campaign.key(self.tenant, campaign_id)) is not None
        if plan.holdout:
            self._hold_out(one, plan)
        if "html" in plan.fields:
            self._check(one.name, plan.fields)
        new = _validated(NewCampaign, {"name": one.name[:255] or one.key, **plan.fields})
        if not there and not self.asked.dry_run:
            planning.make(self.tenant, campaign_id, new, self.actor, self.now)
        differences += plan.differences
        return campaign_id, there

    def _version(self, one: Definition, plan: Plan) -> None:
        wanted, sent = one.said.get("SegmentVersion"), self.uploaded.get(str(one.said.get("SegmentId")))
        current = sent.said.get("Version") if sent else None
        if wanted and current and wanted != current:
            plan.differs(f"it used version {wanted} of its segment; version {current} was sent along")

    def _hold_out(self, one: Definition, plan: Plan) -> None:
        """People who are held out are a segment that the campaign excludes."""
        sample: Json = {"sample_percent": plan.holdout, "salt": f"pinpoint-{one.key}"[:128]}
        segment_id = self._id("seg", one.key, "holdout")
        self._make_segment(segment_id, f"Holdout of {one.name}", {"logic": "AND", "conditions": [sample]})
        plan.fields["audience"]["exclude"] = [segment_id]
        plan.differs(f"its holdout is a fixed random share of {plan.holdout} % of all people, a segment of its own")


def _understood(read: Callable[[], T]) -> T:
    """What a translation gives. It looks for things where the API has them; a definition of another shape has them not.
    Raises NotCarried."""
    try:
        return read()
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise NotCarried("its definition has not the shape that Pinpoint's API gives") from problem


def _defaults(text: Any) -> dict[str, str]:
    """Default values by variable, however deep they are nested."""
    try:
        said = json.loads(text) if isinstance(text, str) and text else {}
    except ValueError as problem:
        raise NotCarried("its DefaultSubstitutions are no JSON") from problem
    return dict(_flat("", said)) if isinstance(said, dict) else {}


def _flat(prefix: str, said: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in said.items():
        if isinstance(value, Mapping):
            found += _flat(f"{prefix}{name}.", value)
        else:
            one = value[0] if isinstance(value, list) and value else value
            found.append((prefix + name, "" if one is None else str(one)))
    return found


def _validated(model: Any, said: Mapping[str, Any]) -> Any:
    """What one of our own requests would say. Raises NotCarried, naming the fields."""
    try:
        return model.model_validate(said)
    except ValidationError as invalid:
        problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in invalid.errors(include_url=False)]
        raise NotCarried("; ".join(problems)[:500]) from invalid


def run(tenant: str, asked: NewMigration, actor: str, now: datetime) -> list[ResultView]:
    """Make (or with `dry_run` only look at) what the documents define. Raises Invalid for too many definitions.

    Reads READS, writes WRITES, starts BACKFILL.
    """
    return Migrating(tenant, asked, actor, now).run()
