"""A second provider of mail, for the simulation: it takes what SES takes, and says over which account that came."""

from dataclasses import replace

from drumbeat.channels import Account, Call, Capacity
from drumbeat.channels.email import ses
from drumbeat.channels.outcomes import CallResult
from drumbeat.fields import Body

MOST_RECIPIENTS = 50
CREDENTIALS: tuple[str, ...] = ()
CALLS: tuple[str, ...] = ()
ask = None
NAME = "relay"


class Config(Body):
    """Nothing."""


CONFIG = Config
fitting = ses.fitting


def capacity(account: Account) -> Capacity:
    return Capacity(50.0)


def send(call: Call) -> CallResult:
    return ses.send(replace(call, route={**call.route, "provider_tenant": NAME}))
