"""Over whom a campaign's mail leaves, and whether that account may send it: from this address, with this template."""

from drumbeat import channels, providers
from drumbeat.campaigns.model import Campaign
from drumbeat.channels import Account
from drumbeat.deliverability import identities
from drumbeat.deliverability.identities import NoIdentity, Route
from drumbeat.errors import Detail

OWN = "ses"


def theirs(campaign: Campaign) -> str | None:
    """The id of the provider's own template, if the campaign's mails are made of one."""
    found = (campaign.said or {}).get("provider_template")
    return str(found) if found else None


def reserve(campaign: Campaign, fallback: Account | None) -> Account | None:
    """The account in reserve, if it can send the campaign: a provider's own template is known there alone."""
    if fallback is None or (theirs(campaign) and not has_templates(fallback)):
        return None
    return fallback


def has_templates(account: Account) -> bool:
    """Whether messages of the account may be made of templates of the provider's own."""
    return bool(getattr(channels.provider(account.channel, account.provider), "TEMPLATES", False))


def missing(campaign: Campaign) -> list[Detail]:
    """What is wrong with the template of a provider's own, if there is one."""
    account, _ = providers.chosen(campaign.tenant, campaign.channel)
    if not theirs(campaign) or has_templates(account):
        return []
    remedy = "choose an account that has templates of its own, such as one at SendGrid (channels.email in the settings)"
    return [Detail("provider_template", f"is not known to {account.id}: {remedy}, or use template_id")]


def route(campaign: Campaign, address: str) -> Route:
    """How mail from an address leaves over the chosen accounts. Raises NoIdentity when one of them must not send it."""
    first, second = providers.chosen(campaign.tenant, campaign.channel)
    accounts = [account for account in (first, reserve(campaign, second)) if account]
    for account in accounts:
        unfit = getattr(channels.provider(account.channel, account.provider), "unfit_sender", None)
        if unfit and (why := unfit(account, address)):
            raise NoIdentity(f"{why}; use one of them, or choose another account in the settings.")
    if any(account.provider == OWN for account in accounts):
        return identities.route(campaign.tenant, address)
    identities.refuse_foreign(campaign.tenant, address)
    return identities.known(campaign.tenant, address)
