"""One request to Twilio's API, by its SDK: once, without retries, and without its log, which has numbers and texts.

The SDK's client is used without its resources: importing `client.messages` takes 300 ms, for all products of its API
(twilio-python, rest/api/v2010/account), and the vendor layer leaves them out (infra/layers.py). `TWILIO_API_URL` names
another server, for the local stack and tests.
"""

import functools
import logging
import os
from typing import TYPE_CHECKING, Any

from drumbeat.channels import Account

if TYPE_CHECKING:
    from twilio.http.response import Response
    from twilio.rest import Client

CONNECT_TIMEOUT, READ_TIMEOUT = 3.05, 15.0
API = "https://api.twilio.com"


def messages(account: Account, account_sid: str, method: str, **what: Any) -> "Response":
    """POST (`data`) or GET (`params`) the account's messages. Raises requests' exceptions."""
    base = os.environ.get("TWILIO_API_URL", API).rstrip("/")
    client = _client(account_sid, account.credentials()["auth_token"])
    return client.request(method, f"{base}/2010-04-01/Accounts/{account_sid}/Messages.json", **what)


@functools.lru_cache(maxsize=20)
def _client(account_sid: str, token: str) -> "Client":
    from requests.adapters import HTTPAdapter
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

    class Bounded(HTTPAdapter):
        """Connects in three seconds or not at all; requests' adapters retry nothing by themselves."""

        def send(self, request: Any, *args: Any, **options: Any) -> Any:
            return super().send(request, *args, **{**options, "timeout": (CONNECT_TIMEOUT, READ_TIMEOUT)})

    silent = logging.getLogger("drumbeat.twilio")
    silent.disabled = True
    transport = TwilioHttpClient(timeout=READ_TIMEOUT, logger=silent)
    for scheme in ("https://", "http://"):
        transport.session.mount(scheme, Bounded())
    return Client(account_sid, token, http_client=transport)
