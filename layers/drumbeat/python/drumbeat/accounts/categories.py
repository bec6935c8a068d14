"""Categories of messages, which recipients can refuse one by one on their preference page."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from drumbeat.fields import Body, Name, Slug

MOST = 50
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]


class Category(Body):
    """A kind of messages, such as `offers`: `name` as recipients see it, `names` in other languages ({"bn": …})."""

    id: Slug
    name: Name
    names: dict[Language, Name] = Field(default_factory=dict)

    def named(self, language: str) -> str:
        """The name in a language."""
        return self.names.get(language, self.name)


def _unlike(categories: tuple[Category, ...]) -> tuple[Category, ...]:
    if len({one.id for one in categories}) < len(categories):
        raise ValueError("must have each id once")
    return categories


Categories = Annotated[tuple[Category, ...], Field(max_length=MOST), AfterValidator(_unlike)]
