"""Provider accounts as requests say them and answers show them."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from drumbeat import channels
from drumbeat.errors import Detail, Invalid
from drumbeat.fields import Attributes, Body, FieldNeeded, Instant, Listing, Name, View
from drumbeat.providers.model import ProviderAccount

# With its names and punctuation a parameter of the Parameter Store has 4 KB for all of them.
Secret = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000, pattern=r"^[!-~]+$")]
Secrets = Annotated[dict[str, Secret], Field(max_length=4)]


class NewProviderAccount(Body):
    """An account at a provider. `config` and `credentials` have what the provider needs: for SendGrid a config of
    `sender_domain` and, for its event webhook, `verification_key`, and the credential `api_key`. Credentials are never
    shown again."""

    name: Name
    channel: Name
    provider: Name
    config: Attributes = {}
    credentials: Secrets = {}


class ProviderAccountChange(Body):
    """What to change; config and credentials that are left out stay, and null takes a config away."""

    name: Name | None = None
    config: Attributes = {}
    credentials: Secrets = {}


class ProviderAccountQuery(Listing):
    """How to page through the accounts."""

    channel: Name | None = None


class ProviderAccountView(View):
    """An account. `credentials` are the names of its secrets; `callback_url` is where the provider must report to."""

    id: str
    name: str
    channel: str
    provider: str
    config: dict[str, Any]
    credentials: list[str]
    callback_url: str
    state: str
    created_at: Instant
    rotated_at: Instant | None


class CheckView(View):
    """What the provider said of the account's credentials."""

    works: bool
    message: str


def provider(channel: str, name: str) -> channels.Provider:
    """The provider's module. Raises Invalid that names what there is."""
    if channel not in channels.names():
        raise Invalid.field("channel", f"must be one of {', '.join(channels.names())}")
    modules = {one: channels.provider(channel, one) for one in channels.providers(channel)}
    known = [one for one, module in modules.items() if module.CREDENTIALS or module.CONFIG.model_fields]
    if name not in known:
        there = f"must be one of {', '.join(known)}" if known else f"{channel} needs no account"
        raise Invalid.field("provider", there)
    return modules[name]


def checked_config(module: channels.Provider, config: Mapping[str, Any]) -> dict[str, Any]:
    """The config as the provider has it. Raises Invalid with every bad field."""
    try:
        read = module.CONFIG.model_validate(dict(config))
    except ValidationError as error:
        raise Invalid("Some fields are not valid; see details.", list(_problems(error))) from error
    shown: dict[str, Any] = read.model_dump(mode="json", exclude_none=True)
    return shown


def _place(problem: Mapping[str, Any]) -> list[str]:
    """Where in the config it is: of the whole, the field that would mend it."""
    needed = problem.get("ctx", {}).get("error")
    return [*map(str, problem["loc"]), *([needed.field] if isinstance(needed, FieldNeeded) else [])]


def _problems(error: ValidationError) -> list[Detail]:
    return [
        Detail(".".join(["config", *_place(problem)]), problem["msg"].removeprefix("Value error, "))
        for problem in error.errors(include_url=False, include_input=False)
    ]


def checked_secrets(module: channels.Provider, said: Mapping[str, str], *, whole: bool) -> dict[str, str]:
    """The secrets, of which there must be all if they are `whole`. Raises Invalid that names each that is amiss."""
    known = module.CREDENTIALS
    unknown = [Detail(f"credentials.{name}", "is no credential of this provider") for name in said if name not in known]
    missing = [name for name in known if whole and name not in said]
    amiss = [*unknown, *(Detail(f"credentials.{name}", "is needed by this provider") for name in missing)]
    if amiss:
        raise Invalid("Some fields are not valid; see details.", sorted(amiss))
    return dict(said)


def view(row: ProviderAccount) -> ProviderAccountView:
    module = channels.provider(row.channel, row.provider)
    return ProviderAccountView(
        id=row.account_id, name=row.name, channel=row.channel, provider=row.provider, config=dict(row.config or {}),
        credentials=list(module.CREDENTIALS), callback_url=row.callback_url, state=row.state,
        created_at=row.created_at, rotated_at=row.rotated_at,
    )  # fmt: skip
