"""A tenant's connection to the system that its customers come from (drumbeat.contacts.customers)."""

from pydantic import BaseModel, ConfigDict


class CustomerSystem(BaseModel):
    """`base_url` is where its API is, without a slash at the end. Events are taken from the AWS account
    `events_account` only; without one, from nobody. Its token is no setting: `secrets_version` says which one it is."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    base_url: str
    events_account: str | None = None
    secrets_version: int = 0
