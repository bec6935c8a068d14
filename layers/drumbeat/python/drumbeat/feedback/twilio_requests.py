"""Requests of Twilio's: whose account they are of, and that they are from Twilio."""

import os
from typing import NamedTuple

from drumbeat import providers
from drumbeat.channels import Account
from drumbeat.feedback import twilio_signatures
from drumbeat.feedback.signatures import BadSignature
from drumbeat.feedback.twilio_signatures import Posted
from drumbeat.providers.model import Callback, ProviderAccount
from drumbeat.table import tenancy

# What a function declares that takes such requests.
READS = (Callback, ProviderAccount)
CALLS = providers.CALLS


class Verified(NamedTuple):
    """A request that Twilio has made: whose account it is about, and its parameters."""

    account: Account
    said: dict[str, str]

    @property
    def tenant(self) -> str:
        return self.account.tenant or ""


def verified(request: Posted, callback: str, *, at_function_url: bool = False) -> Verified:
    """The request, verified with the token of the account that `callback` names (empty: the deployment's own). From
    here on it is the work of that account's tenant. Raises NotFound, BadSignature, MalformedBody and Unavailable.

    What Twilio signed is the address that it was told: the API's, or, at a function URL, the account's `status_url`."""
    account = providers.lookup.of(providers.reporting("twilio", callback))
    tenancy.enter(account.tenant or "")
    base = account.config.get("status_url") if at_function_url else os.environ["PUBLIC_URL"]
    if not base:
        raise BadSignature("This account has no status_url, so Twilio was not told of this address.")
    token = account.credentials()["auth_token"]
    return Verified(account, twilio_signatures.verified(request, base, token))
