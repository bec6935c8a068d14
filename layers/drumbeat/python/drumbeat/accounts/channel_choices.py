"""Which provider account carries a tenant's messages of a channel, and which one when that is out of reach."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from drumbeat import channels
from drumbeat.fields import Body

# An account's id, or the name of a provider at which the deployment has an account of its own, such as `ses`.
AccountId = Annotated[str, StringConstraints(pattern=r"^(pac_[0-9A-Z]{26}|[a-z0-9_]{1,32})$")]


class ChannelChoice(BaseModel):
    """The choice for one channel. `fallback` is used for messages that were not sent for sure, while `account` cannot
    be reached."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    account: str
    fallback: str | None = None


class ChosenChannel(Body):
    """A choice as a request has it. `account` is a provider account's id, or `ses` for the deployment's own."""

    account: AccountId
    fallback: AccountId | None = None


def _channel(name: str) -> str:
    if name not in channels.names():
        raise ValueError(f"must be one of the channels {', '.join(channels.names())}")
    return name


ChannelName = Annotated[str, AfterValidator(_channel)]
Choices = dict[ChannelName, ChosenChannel | None]
"""By channel; null goes back to what a tenant has that has chosen nothing."""
