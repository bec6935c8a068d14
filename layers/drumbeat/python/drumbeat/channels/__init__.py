"""Channels: the ways in which messages reach people, and the providers that carry them.

    channels/<channel>/__init__.py      `CHANNEL`: what its messages are made of, and whom they go to
    channels/<channel>/<provider>.py    a provider: how a call to it looks, and what its answer means

A channel with one provider may be a single module that is both. Nothing else lists them: what lies here is there. A
provider is a module with the names of `Provider`. It sends once, without retries, and says what the answer means; all
else (claims, consent, pacing, doubts, figures) is the same for every channel (drumbeat.sends).
"""

import hashlib
import importlib
import json
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from types import ModuleType
from typing import Any, Literal, NamedTuple, Protocol, cast

from drumbeat.channels.outcomes import CallResult, Entry

# What people say about messages of a kind (drumbeat.contacts.consent).
Consent = Literal["email", "sms", "push"]


class Addressed(Protocol):
    """A contact, as far as channels go."""

    @property
    def contact_id(self) -> str: ...
    @property
    def email(self) -> str | None: ...
    @property
    def phone(self) -> str | None: ...
    @property
    def push_token(self) -> str | None: ...
    @property
    def attributes(self) -> Mapping[str, Any] | None: ...


@dataclass(frozen=True, slots=True)
class Channel:
    """A way of reaching people.

    `parts` are the texts of a message, of `subject`, `html` and `text`; each is a Liquid template. `address` says where
    a contact is reached, None for nowhere; events call it `address_name`. `consent` names the statement that marketing
    needs; without one messages go to the tenant's own systems, which needs none. `usual` is the provider of a tenant
    that has chosen none. With `json` the text is JSON, and what a template puts into it is escaped for that;
    `usual_text` is what is said where nobody has written a text. Of messages `paid_by_length` links are short, and
    results count parts. Where senders are `judged` by who takes the messages in, as mail boxes do, sends stop when too
    many bounce or complain (drumbeat.sends.reputation).
    """

    name: str
    parts: tuple[str, ...]
    address_name: str
    address: Callable[[Addressed], str | None]
    consent: Consent | None
    usual: str
    json: bool = False
    usual_text: str = ""
    paid_by_length: bool = False
    judged: bool = False

    @property
    def notifies(self) -> bool:
        """Its messages are a title and a text, shown by an app."""
        return self.parts == ("subject", "text")


@dataclass(frozen=True, slots=True)
class Account:
    """An account at a provider. `ses` is the deployment's own at SES, which every tenant may use; others belong to a
    tenant. `config` is what is no secret; `credentials` gives the secrets, looked up when they are first needed.
    `callback_url` is where the provider reports to."""

    id: str
    channel: str
    provider: str
    tenant: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    credentials: Callable[[], Mapping[str, str]] = dict
    callback_url: str | None = None


class Checked(NamedTuple):
    """Whether an account's credentials work, and what there is to say; `works` is None when nobody could tell."""

    works: bool | None
    says: str


class Capacity(NamedTuple):
    """What an account may send: recipients a second, and how many are left today as the provider says. Where it does
    not say, `a_day` is how many may leave in a day of UTC, which we count ourselves. None: no daily limit."""

    rate: float
    left_today: float | None = None
    a_day: float | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """What a call's messages have in common, with `{{f0}}`, `{{f1}}` … where something differs between recipients.
    Parts that the channel does not have are empty."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True)
class Message:
    """One recipient's part of a call: address, what differs (`fragments`, by name), headers, and the tags that events
    bring back (send, chunk, attempt, i, contact). `values` are what a template of the provider's own may say."""

    to: str
    fragments: dict[str, str]
    headers: dict[str, str]
    tags: dict[str, str]
    values: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def data(self) -> str:
        """The fragments as compact JSON."""
        return json.dumps(self.fragments, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a provider. `sender` is the From header, or whatever the channel has in its place; `said` is what
    else the content says (media, a sender's id, a provider's own template); `route` are the provider's names for what
    the sender belongs to. `claim` is the same for a repetition of the same call, and for no other. Where it is not
    `tracked`, the provider must not look who opens and clicks either."""

    account: Account
    sender: str
    template: Template
    messages: Sequence[Message]
    reply_to: str | None = None
    said: Mapping[str, Any] = field(default_factory=dict)
    route: Mapping[str, str | None] = field(default_factory=dict)
    claim: str = ""
    tracked: bool = True

    def whole(self, message: Message) -> Template:
        """A message with its fragments put in."""
        texts = (self.template.subject, self.template.html, self.template.text)
        return Template(*(_filled(text, message.fragments) for text in texts))


def _filled(text: str, fragments: Mapping[str, str]) -> str:
    """One pass over the text: what a fragment says is not looked at again."""
    pieces = text.split("{{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, closed, rest = piece.partition("}}")
        filled.append(fragments[name] + rest if closed and name in fragments else "{{" + piece)
    return "".join(filled)


def imprint(text: str) -> str:
    """What is kept of a text, so that it is known again when the provider shows it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def message_id(tags: Mapping[str, str]) -> str | None:
    """The id of the message with these tags, as events and timelines have it; None for a test's, which is nobody's."""
    if tags.get("test") or not {"send", "chunk", "i"} <= tags.keys():
        return None
    return f"msg_{tags['send'].removeprefix('snd_')}_{tags['chunk'].replace('-', '_')}_{tags['i']}"


class Question(NamedTuple):
    """A message of which nobody knows whether it was sent: its address, the imprint of its text, and since when it may
    have been (wall time). `of_another` tells whether an id of the provider's is known to be another message's."""

    to: str
    imprint: str
    since: datetime
    of_another: Callable[[str], bool] = lambda _: False


class Provider(Protocol):
    """The names of a provider's module.

    `CALLS` are actions of IAM. `CONFIG` is a pydantic model of what an account says of itself, `CREDENTIALS` are the
    names of its secrets. `fitting` is how many of a call's messages, from the first, fit into it: at least one. `ask`
    finds out what became of messages in doubt, by position: ACCEPTED, or AGAIN for one that was not sent for sure; who
    is not in its answer stays in doubt. It is None where the provider cannot be asked.

    Three names may be left out: `check(account) -> Checked` asks whether the credentials work,
    `unfit_sender(account, address) -> str | None` says why mail must not come from an address, and `TEMPLATES` is true
    where messages may be made of templates of the provider's own.
    """

    CALLS: tuple[str, ...]
    MOST_RECIPIENTS: int
    CONFIG: type[Any]
    CREDENTIALS: tuple[str, ...]
    ask: Callable[[Account, Sequence[Question]], dict[int, Entry]] | None

    def capacity(self, account: Account) -> Capacity: ...
    def fitting(self, call: Call) -> int: ...
    def send(self, call: Call) -> CallResult: ...


@cache
def names() -> tuple[str, ...]:
    """The channels, in the order of their names."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in found if hasattr(_module(name), "CHANNEL")))


def _module(channel: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{channel}")


@cache
def get(name: str) -> Channel:
    """Raises LookupError for a channel that there is not."""
    if name not in names():
        raise LookupError(f"there is no channel {name}")
    return cast(Channel, _module(name).CHANNEL)


@cache
def providers(channel: str) -> tuple[str, ...]:
    """The providers of a channel, in the order of their names."""
    module = _module(channel)
    if not hasattr(module, "__path__"):
        return (channel,)
    found = (each.name for each in pkgutil.iter_modules(module.__path__))
    return tuple(sorted(name for name in found if _is_provider(channel, name)))


def _is_provider(channel: str, name: str) -> bool:
    module = importlib.import_module(f"{__name__}.{channel}.{name}")
    return hasattr(module, "MOST_RECIPIENTS") and hasattr(module, "fitting")


@cache
def provider(channel: str, name: str) -> Provider:
    """Raises LookupError for a provider that the channel does not have."""
    if name not in providers(channel):
        raise LookupError(f"{channel} has no provider {name}")
    alone = name == channel and not hasattr(_module(channel), "__path__")
    path = f"{__name__}.{channel}" if alone else f"{__name__}.{channel}.{name}"
    return cast(Provider, importlib.import_module(path))


def forget() -> None:
    """Look for channels and providers anew."""
    for kept in (names, get, providers, provider):
        kept.cache_clear()


def calls() -> tuple[str, ...]:
    """The actions of IAM that sending over any provider needs, for `calls=`."""
    found = {action for channel in names() for name in providers(channel) for action in provider(channel, name).CALLS}
    return tuple(sorted(found))
