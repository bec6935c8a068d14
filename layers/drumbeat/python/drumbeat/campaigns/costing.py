"""What a campaign of text messages would cost if it were launched now: who would get it, in how many parts, at which
prices. Everybody's message is rendered as the worker would do it, so the figures are those of the run."""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from drumbeat import channels, ids, money
from drumbeat.accounts import settings
from drumbeat.accounts.settings import Settings
from drumbeat.campaigns import audience as whom
from drumbeat.campaigns import content, routes
from drumbeat.campaigns.model import Campaign
from drumbeat.channels import Account, Call
from drumbeat.channels.sms import parts
from drumbeat.channels.sms.prices import MILLIONTHS
from drumbeat.contacts import addresses, consent, suppressions
from drumbeat.contacts.model import Contact
from drumbeat.contacts.suppressions import Suppression
from drumbeat.fields import View
from drumbeat.segments import definitions, people, rules
from drumbeat.segments.audience import audience_filters
from drumbeat.segments.model import Member
from drumbeat.sends import audience, destinations, rendering
from drumbeat.sends.audience import Audience
from drumbeat.sends.destinations import Agreed
from drumbeat.sends.model import Chunk, Content, Place, Stat
from drumbeat.sends.tokens import SECRET_BYTES
from drumbeat.table import MOST_IN_BATCH_GET
from drumbeat.templates.bodies import choose
from drumbeat.templates.limits import TemplateError

# So many contacts are looked at; of a larger audience the rest is taken to be like them.
MOST = 2_000
READS = (Suppression, Member, Chunk, Stat)


class DestinationCost(View):
    """What messages to one carrier's numbers cost, in the account's currency."""

    country: str
    carrier: str
    recipients: int
    parts: int
    price_per_part: float
    cost: float


class AudienceCost(View):
    """Who would get the campaign now, and what that costs. `not_sent_by_reason` are those of the audience who would
    not. With `exact` false only the first `looked_at` of the audience were looked at, and the figures are scaled up to
    its size."""

    recipients: int
    not_sent_by_reason: dict[str, int]
    parts: int
    fewest_parts: int
    most_parts: int
    cost: float | int
    currency: str
    by_destination: list[DestinationCost]
    looked_at: int
    exact: bool


@dataclass
class _Sums:
    looked_at: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    recipients: Counter[str] = field(default_factory=Counter)
    sizes: set[int] = field(default_factory=set)


def of(campaign: Campaign, now: datetime) -> AudienceCost:
    """Raises NotReady. Reads `READS`, Contact, Tenant and what the campaign refers to."""
    chosen = settings.of(campaign.tenant)
    send_id = ids.new("snd")  # nobody has its content: what is rendered for it is not kept for another
    said = content.frozen(campaign, send_id)
    contents = {one.language or "": one for one in said.all}
    stored = whom.require_somebody(campaign)
    wanted = stored.pop("filters", None)
    asked = Audience(**stored)
    everyone = _contacts(campaign.tenant, asked)
    if wanted:
        everyone = _matching(campaign.tenant, everyone, wanted, chosen, now)
    terms, sums = Agreed(routes.of(campaign, chosen)), _Sums()
    for block in iter(lambda: list(itertools.islice(everyone, MOST_IN_BATCH_GET)), []):
        _add(sums, campaign, terms, contents, said.default.languages or [], block[: MOST - sums.looked_at])
        if sums.looked_at >= MOST:
            break
    whole = sums.looked_at < MOST or next(everyone, None) is None
    size = sums.looked_at if whole else max(sums.looked_at, whom.size(campaign.tenant, asked))
    return _shown(sums, size, terms)


def _contacts(tenant: str, asked: Audience) -> Iterator[Contact]:
    shards = range(asked.earlier.plan_shards) if asked.earlier else [0]
    for shard in shards:
        found = audience.contact_ids(tenant, asked, shard, asked.earlier.plan_shards if asked.earlier else 1, None)
        while block := list(itertools.islice(found, MOST_IN_BATCH_GET)):
            yield from Contact.many([Contact.key(tenant, contact_id) for contact_id in block], consistent=False)


def _matching(
    tenant: str, everyone: Iterator[Contact], wanted: dict[str, object], chosen: Settings, now: datetime
) -> Iterator[Contact]:
    """Those whom the audience's filters leave: they are about contacts' fields only."""
    criteria, zone = definitions.checked(tenant, audience_filters(wanted)), ZoneInfo(chosen.time_zone)
    return (one for one in everyone if rules.matches(criteria, people.facts_of(one, chosen, {}), now, zone))


def _add(
    sums: _Sums, campaign: Campaign, terms: Agreed, contents: dict[str, Content], languages: list[str],
    block: list[Contact],
) -> None:  # fmt: skip
    channel = channels.get(campaign.channel)
    phones = [address for person in block if (address := channel.address(person))]
    held = suppressions.many(campaign.tenant, phones)
    for person in block:
        sums.looked_at += 1
        phone = channel.address(person)
        suppression = held.get(addresses.claim(phone)) if phone else None
        reason = consent.obstacle(person, phone, channel.consent, campaign.purpose, suppression)
        text = None if reason else _text(contents[choose(person.language, languages)], person)
        if phone is None or text is None:
            sums.refused[(reason or "template").partition(":")[0]] += 1
            continue
        number = len(parts.count(text).parts)
        sums.recipients[terms.kept(phone, number, terms.route(phone).account)] += 1
        sums.sizes.add(number)


def _text(said: Content, person: Contact) -> str | None:
    """What the person's message says; None where its data makes the template fail."""
    _, tenant, send_id = said.pk.split("#")
    try:
        message = rendering.message(said, person, Place(tenant, send_id, 0, 0), 0, bytes(SECRET_BYTES), 1)
    except TemplateError:
        return None
    template = rendering.template(said, tracked=person.tracking is not False)
    return Call(Account("preview", said.channel, "preview"), "", template, [message]).whole(message).text


def _shown(sums: _Sums, size: int, terms: Agreed) -> AudienceCost:
    scale = Decimal(size) / sums.looked_at if sums.looked_at else Decimal(1)

    def scaled(number: int) -> int:
        return round(number * scale)

    kept = Counter({message: scaled(number) for message, number in sums.recipients.items()})
    columns = destinations.added({"sent": kept}, terms)
    return AudienceCost(
        recipients=kept.total(),
        not_sent_by_reason={reason: scaled(number) for reason, number in sorted(sums.refused.items())},
        parts=columns["parts"].total(),
        fewest_parts=min(sums.sizes, default=0),
        most_parts=max(sums.sizes, default=0),
        cost=money.shown(destinations.minor(columns["cost"].total(), terms.currency), terms.currency),
        currency=terms.currency,
        by_destination=[
            _destination(where, number, columns["parts"][where], columns["cost"][where])
            for where, number in sorted(columns["sent"].items(), key=lambda one: (-one[1], one[0]))
        ],
        looked_at=sums.looked_at,
        exact=size == sums.looked_at,
    )


def _destination(where: str, recipients: int, number: int, cost: int) -> DestinationCost:
    country, carrier = destinations.destination(where)
    return DestinationCost(
        country=country, carrier=carrier, recipients=recipients, parts=number, cost=round(cost / MILLIONTHS, 4),
        price_per_part=round(cost / MILLIONTHS / number, 6) if number else 0.0,
    )  # fmt: skip
