"""Asking a provider about an account."""

from drumbeat import channels
from drumbeat.errors import NotFound, Unavailable
from drumbeat.providers import lookup
from drumbeat.providers.model import ProviderAccount
from drumbeat.providers.views import CheckView


def check(row: ProviderAccount) -> CheckView:
    """Whether the account's credentials work, as the provider says now. Raises Unavailable."""
    asked = getattr(channels.provider(row.channel, row.provider), "check", None)
    if asked is None:
        return CheckView(works=True, message=f"{row.provider} has no way of asking; the first message will tell.")
    try:
        found = asked(lookup.of(row))
    except NotFound as gone:
        return CheckView(works=False, message=gone.message)
    if found.works is None:
        raise Unavailable(f"{row.provider} cannot be reached now: {found.says}")
    return CheckView(works=found.works, message=found.says)
