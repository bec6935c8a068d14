"""Beginning with a starter template: what there is, and what a request takes from one."""

from typing import Any

from drumbeat.errors import Invalid
from drumbeat.templates.bodies import choose
from drumbeat.templates.starter_views import StarterBody, StarterView
from drumbeat.templates.starters import LANGUAGE, OTHERS, names, said_of, source
from drumbeat.templates.views import NewTemplate, VariantBody


def view(name: str) -> StarterView:
    """What a starter is for. Raises NotFound."""
    said = said_of(name)
    return StarterView(
        name=name, title=said["title"], description=said["description"], category=said["category"],
        subject=said[LANGUAGE]["subject"], language=LANGUAGE, languages=list(OTHERS), variables=said["variables"],
    )  # fmt: skip


def body(name: str) -> StarterBody:
    """A starter with its sources. Raises NotFound."""
    variants = {tag: VariantBody(subject=said_of(name)[tag]["subject"], mjml=source(name, tag)) for tag in OTHERS}
    return StarterBody(**view(name).model_dump(), mjml=source(name, LANGUAGE), variants=variants)


def filled(new: NewTemplate, language: str) -> NewTemplate:
    """A request with what its starter says where it says nothing itself. `language` is the tenant's: the default is in
    that or in English, the variants in the others. Raises Invalid for an unknown starter."""
    if new.starter not in names():
        raise Invalid.field("starter", f"there is no such starter; there are {', '.join(names())}")
    base = view(new.starter)
    default = choose(new.language or language, OTHERS) or LANGUAGE
    own = new.html is not None or new.mjml is not None
    others = {
        tag: VariantBody(subject=said_of(new.starter)[tag]["subject"], mjml=source(new.starter, tag))
        for tag in (LANGUAGE, *OTHERS) if tag != default
    }  # fmt: skip
    said: dict[str, Any] = {
        "name": new.name or base.title,
        "subject": new.subject or said_of(new.starter)[default]["subject"],
        "mjml": new.mjml if own else source(new.starter, default),
        "category": new.category or base.category,
        "language": new.language or default,
        "variables": new.variables or base.variables,
        # Words of the author's own have no translation here.
        "languages": new.languages or ({} if own else others),
    }
    return new.model_copy(update=said)
