"""The kinds of exports as the API shows them."""

from drumbeat.exports.kinds import KINDS
from drumbeat.fields import View


class KindView(View):
    """A kind of thing that can be exported; `needs` are filters that it cannot do without."""

    kind: str
    about: str
    fields: list[str]
    filters: list[str]
    needs: list[str]
    scopes: list[str]


def kinds() -> list[KindView]:
    return [
        KindView(
            kind=kind.name, about=kind.about, fields=list(kind.fields), filters=list(kind.filters),
            needs=list(kind.needs), scopes=list(kind.scopes),
        )
        for kind in KINDS
    ]  # fmt: skip
