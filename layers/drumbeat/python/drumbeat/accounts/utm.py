"""UTM parameters: what links of mails say of themselves to web analytics (Google's `utm_source` and its like)."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from drumbeat.fields import Body, Text

# Values are the same for everyone, so that a link stays one link; braces would be taken for merge fields.
Value = Annotated[
    Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^{}\x00-\x1f\x7f]+$")
]
Host = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, max_length=253, pattern=r"^[A-Za-z0-9.-]+$")
]
NAMES = ("source", "medium", "campaign", "content", "term")
DEFAULTS = {"source": "newsletter", "medium": "email"}


class Utm(Body):
    """Which parameters links get. `source` is `newsletter`, `medium` the channel and `campaign` the campaign's slug
    unless said; `hosts`, when given, are the only ones (with what is beneath them) whose links get any."""

    enabled: bool = True
    source: Value | None = None
    medium: Value | None = None
    campaign: Value | None = None
    content: Value | None = None
    term: Value | None = None
    hosts: list[Host] = Field(default_factory=list, max_length=50)


def chosen(
    default: dict[str, Any] | None, own: dict[str, Any] | None, campaign: str, medium: str = DEFAULTS["medium"]
) -> dict[str, Any] | None:
    """What a campaign's links get: its own parameters, else the tenant's; None for nothing. What is frozen with a send
    is {"parameters": {"utm_source": …}, "hosts": […]}."""
    if default is None and own is None:
        return None
    both = {**(default or {}), **{name: value for name, value in (own or {}).items() if value not in (None, [])}}
    if not both.get("enabled", True):
        return None
    own_words = {name: both[name] for name in NAMES if both.get(name)}
    values = {**DEFAULTS, "medium": medium, "campaign": campaign, **own_words}
    return {
        "parameters": {f"utm_{name}": values[name] for name in NAMES if name in values},
        "hosts": both.get("hosts") or [],
    }
