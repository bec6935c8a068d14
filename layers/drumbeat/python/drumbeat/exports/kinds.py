"""The kinds of things that a tenant has, as a table: what can be exported, and what is in an export of everything.

Whoever adds an entity adds a line: here, or to `NOT_EXPORTED` with the reason. A test finds what is in neither.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from drumbeat import counts
from drumbeat.accounts.model import Tenant, User
from drumbeat.accounts.users import listed as users_listed
from drumbeat.activity.model import RollUp, Timeline
from drumbeat.activity.views import TimelineView
from drumbeat.campaigns.conversions import Conversion
from drumbeat.campaigns.economics import Cost
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.recipients import EVENTS, RecipientView
from drumbeat.contacts import model as contacts
from drumbeat.contacts.imports.model import Import
from drumbeat.contacts.ledger import Entry
from drumbeat.contacts.model import Contact
from drumbeat.contacts.suppressions import Suppression, SuppressionView
from drumbeat.contacts.unsubscribes import Unsubscribe, UnsubscribeView
from drumbeat.deliverability.model import Identity
from drumbeat.exports import people, rows
from drumbeat.exports.rows import Asked, Rows
from drumbeat.exports.walks import Place
from drumbeat.journeys import entries as journeys
from drumbeat.journeys.model import Journey, JourneyVersion
from drumbeat.marketing.model import ChannelResult, MarketingCampaign, Spend
from drumbeat.products.model import Product
from drumbeat.providers.model import ProviderAccount
from drumbeat.segments import model as segments
from drumbeat.segments.history import SegmentVersion, Spell
from drumbeat.segments.model import Member, Segment
from drumbeat.sends.model import Chunk, Content, Send, Stat
from drumbeat.table import Entity
from drumbeat.templates.blocks import Block
from drumbeat.templates.model import Template, TemplateVersion

EVERYTHING = "everything"
# A user's ways in are no one's to take along.
_SECRETS = ("password", "salt", "session", "reset_request")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing: its rows, their fields, and what may be asked of it.

    `scopes` are what a credential needs to see such things. `filters` may be given, `needs` must be. `expected` guesses
    how many rows there will be. `carries` are the entities whose facts the rows have. `alone` kinds show what others
    have, and are not in an export of everything.
    """

    name: str
    about: str
    walk: Callable[[Asked, Place], Rows]
    fields: tuple[str, ...]
    scopes: tuple[str, ...]
    carries: tuple[type[Entity], ...]
    filters: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    expected: Callable[[Asked], int | None] = lambda asked: None
    alone: bool = False
    format: str = "jsonl"


def _contacts(asked: Asked) -> int | None:
    if segment_id := asked.filters.get("segment_id"):
        return segments.get(asked.tenant, segment_id).member_count
    return counts.total(asked.tenant, contacts.KIND)


def _below(
    name: str,
    about: str,
    inner: type[Entity],
    above: tuple[type[Entity], Callable[[str], str | list[str]], str],
    parts: Callable[[str, str], Iterable[str]],
    scope: str,
) -> Kind:
    """A kind that is what the table keeps below other entities."""
    outer, partition, key = above
    walk = rows.within(outer, partition, key, inner, parts)
    return Kind(name, about, walk, (key, "key", *rows.columns(inner)), (scope,), (inner,))


_SEGMENTS = (Segment, Segment.partition, "segment_id")
_TEMPLATES = (Template, Template.partition, "template_id")
_CAMPAIGNS = (Campaign, Campaign.partition, "campaign_id")
_JOURNEYS = (Journey, rows.journeys_of, "journey_id")
_MARKETING = (MarketingCampaign, MarketingCampaign.partition, "campaign_id")


def _kept(
    name: str, about: str, model: type[Entity], partition: Callable[[str], str | list[str]], scope: str, *without: str
) -> Kind:
    """A kind that is what the table keeps of its entities, all of it."""
    return Kind(
        name, about, rows.listing(model, partition, *without), rows.columns(model, *without), (scope,), (model,)
    )


KINDS: tuple[Kind, ...] = (
    Kind(
        "contacts", "People: all, with a tag, or of a segment", rows.people_of, people.FIELDS, ("contacts:read",),
        (Contact,), filters=("segment_id", "tag"), expected=_contacts,
    ),
    Kind(
        "segment", "The members of a segment, with the time since when they are in it", rows.people_of,
        (*people.FIELDS, "since"), ("contacts:read", "segments:read"), (Contact, Member),
        filters=("segment_id", "tag"), needs=("segment_id",), expected=_contacts, alone=True,
    ),
    Kind(
        "members", "Who is in which segment", rows.memberships, ("segment_id", "contact_id", "since"),
        ("segments:read",), (Member,),
    ),
    Kind(
        "recipients", "The recipients of a campaign (or of all), and what became of each", rows.recipients_of,
        ("campaign_id", "send_id", *(name for name in RecipientView.model_fields if name != "events"), *EVENTS),
        ("campaigns:read", "contacts:read"), (Chunk, Stat), filters=("campaign_id", "outcome", "reason"),
    ),
    Kind(
        "timeline", "The events of a contact or of all, in a range of time", rows.timelines,
        ("contact_id", *TimelineView.model_fields), ("events:read", "contacts:read"), (Timeline,),
        filters=("contact_id", "after", "before", "name"),
    ),
    Kind(
        "activity", "How often each event happened to each contact on each day", rows.activity,
        ("contact_id", "name", "date", "count"), ("events:read", "contacts:read"), (RollUp,),
        filters=("contact_id",),
    ),
    Kind(
        "suppressions", "Addresses that get nothing, and why", rows.suppressed, tuple(SuppressionView.model_fields),
        ("contacts:read",), (Suppression,), filters=("reason",),
    ),
    Kind(
        "unsubscribes", "Who asked for no more messages, when and why", rows.opt_outs,
        tuple(UnsubscribeView.model_fields), ("contacts:read",), (Unsubscribe,), filters=("channel",),
    ),
    Kind(
        "sends", "Launches of campaigns, with what they sent", rows.sends,
        (*rows.columns(Send), "content"), ("campaigns:read",), (Send, Content), filters=("campaign_id",),
    ),
    Kind(
        "conversions", "Purchases credited to campaigns", rows.conversions,
        ("campaign_id", "event_id", "contact", "value", "at", "clicked_at"), ("campaigns:read",), (Conversion,),
        filters=("campaign_id",),
    ),
    Kind(
        "consents", "The ledger of consent, entry by entry, with hashes and evidence", rows.consents,
        ("contact_id", "number", *rows.columns(Entry)), ("contacts:read",), (Entry,),
    ),
    _kept("segments", "Segments with their criteria", Segment, Segment.partition, "segments:read"),
    _kept("templates", "Templates with their sources", Template, Template.partition, "templates:read"),
    _kept("campaigns", "Campaigns", Campaign, Campaign.partition, "campaigns:read"),
    _below("segment_versions", "What defined segments, and since when", SegmentVersion, _SEGMENTS,
           lambda tenant, one: [SegmentVersion.partition(tenant, one)], "segments:read"),
    _below("past_members", "Who was in which segment, and until when", Spell, _SEGMENTS,
           lambda tenant, one: [Spell.partition(tenant, one, shard) for shard in range(segments.SHARDS)],
           "segments:read"),
    _below("template_versions", "Templates as they were after each change", TemplateVersion, _TEMPLATES,
           lambda tenant, one: [TemplateVersion.key(tenant, one, 0)[0]], "templates:read"),
    _kept("blocks", "Reusable blocks of templates", Block, Block.partition, "templates:read"),
    _kept("products", "Products", Product, Product.partition, "products:read"),
    _below("costs", "Costs of campaigns, as they were entered", Cost, _CAMPAIGNS,
           lambda tenant, one: [Cost.key(tenant, one, "")[0]], "campaigns:read"),
    _kept("marketing_campaigns", "Marketing campaigns with budget, goals and approval", MarketingCampaign,
          MarketingCampaign.partition, "campaigns:read"),
    _below("spend", "Money spent on marketing campaigns elsewhere", Spend, _MARKETING,
           lambda tenant, one: [Spend.partition(tenant, one)], "campaigns:read"),
    _below("channel_results", "What channels that we do not run brought", ChannelResult, _MARKETING,
           lambda tenant, one: [ChannelResult.partition(tenant, one)], "campaigns:read"),
    _kept("journeys", "Journeys with their drafts", Journey, rows.journeys_of, "journeys:read"),
    _below("journey_versions", "Journeys as they were published", JourneyVersion, _JOURNEYS,
           lambda tenant, one: [JourneyVersion.partition(tenant, one)], "journeys:read"),
    Kind("journey_entries", "Who entered which journey, and what happened at each step", rows.entered,
         ("number", *rows.columns(journeys.Entry)), ("journeys:read", "contacts:read"), (journeys.Entry,)),
    _kept(
        "provider_accounts", "Accounts at providers of messages, without their secrets", ProviderAccount,
        ProviderAccount.partition, "providers:read",
    ),
    _kept("identities", "Domains and addresses that mail is sent from", Identity, Identity.partition, "senders:read"),
    _kept("imports", "Imports of contacts, and what became of them", Import, Import.partition, "imports:read"),
    _kept("users", "People who sign in, without their passwords", User, users_listed, "accounts:read", *_SECRETS),
    Kind("account", "The account: name, settings, limits", rows.account, rows.columns(Tenant), ("accounts:read",),
         (Tenant,)),
)  # fmt: skip

# What a tenant's rows in the table are besides, and why they are in no file.
NOT_EXPORTED: Mapping[str, str] = {
    "ADDRESS": "says which contact has an address; the contacts say it too",
    "EXTERNAL": "says which contact has an external id; the contacts say it too",
    "CUSTOMER": "what is to be read from the customer system, and until when it told what; the contacts have the rest",
    "SLUG": "says what a name stands for; segments, templates and campaigns have their slugs",
    "COUNT": "a number of things that are all there to be counted",
    "SEQUENCE": "the last number given; users have theirs",
    "ROLLUPS": "a campaign's numbers added up; they follow from its recipients",
    "DEFINITIONS": "the list of segments once more",
    "WATCH": "when a segment looks at a contact again; it follows from the criteria",
    "PREVIEW": "a count of people that lives for a day",
    "EVENT": "the id of an event that was recorded; the timeline has the event",
    "ORDER": "an order that was counted; the purchase is on the timeline",
    "OUTBOX": "an event on its way to the bus for a moment",
    "EXPORT": "the exports themselves",
    "PRIVACY": "the record of data exports and erasures; GET /v1/privacy-requests lists it",
    "PRIVACYLINK": "a link that was mailed to a person, for an hour; a secret",
    "OPTIN": "an open request to confirm, by a hash of the address; what came of it is in the consents",
    "SEAL": "numbers and hashes of ledger entries, once more; the consents have both",
    "INTEREST": "which events journeys wait for; their versions say it",
    "WAKE": "who waits in which minute; the entries say it",
    "ENROLMENT": "how far a walk over an audience is; the entries are what came of it",
    "DAILY": "which sends a journey made; they are among the sends",
    "PERFORMANCE": "a journey's numbers added up; they follow from its entries and the timelines",
    "DRYRUN": "what a journey would have done, for two days; a new dry run finds it again",
    "MONEY": "a campaign's sums; they follow from its conversions and costs",
    "QUOTA": "mails of an hour or a day, counted for a limit",
    "FREQUENCY": "messages of the last month, counted for frequency caps; the timelines have them",
    "REPUTATION": "an identity's figures; they follow from its sends",
    "PROVIDERMESSAGE": "which message a provider's id stands for, for forty days; the timelines have the ids",
    "INBOUND": "the ids of messages that were received, so that each takes effect once; the timelines have the replies",
    "SOFTBOUNCE": "soft bounces in a row, by address; the timelines have them",
    "HYGIENE": "findings about contacts, for thirty days; a new report finds them again",
    "MIGRATION": "what was carried over from Pinpoint; it is among segments, templates and campaigns",
    "CLAIM": "which tenant has a domain; the identities say it",
    "CALLBACK": "an address that a provider reports to; the provider accounts have theirs",
    "APIKEY": "credentials open this account and no other",
    "LOGIN": "an address by which a user signs in; the users have it",
    "INVITE": "a link that sets a password; a secret",
    "SENDKEY": "the key of a send's tracking links; a secret",
    "RATE": "how many requests were made in a minute",
    "REPLY": "answers kept for repeated requests, for two days",
    "SENDER": "belongs to the deployment, not to a tenant",
    "ENVIRONMENT": "belongs to the deployment, not to a tenant",
    "CERT": "belongs to the deployment, not to a tenant",
}

BY_NAME: Mapping[str, Kind] = {kind.name: kind for kind in KINDS}


@dataclass(frozen=True, slots=True)
class Planned:
    """A file of an export of everything."""

    file: str
    kind: Kind
    format: str
    fields: tuple[str, ...] | None = None


WHOLE: tuple[Planned, ...] = (
    Planned("contacts-to-import.jsonl", BY_NAME["contacts"], "jsonl", people.IMPORTABLE),
    *(Planned(f"{kind.name}.{kind.format}", kind, kind.format) for kind in KINDS if not kind.alone),
)
READS: tuple[type[Entity], ...] = tuple(dict.fromkeys(model for kind in KINDS for model in kind.carries))
