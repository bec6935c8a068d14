"""List what can be exported: kinds, their fields and their filters."""

from drumbeat.exports import shown
from drumbeat.exports.shown import KindView
from drumbeat.http import STANDARD, Request, http


@http("GET /v1/exports/kinds", scope="exports:read", limit=STANDARD)
def handler(request: Request) -> list[KindView]:
    """Contacts and segments also have `attributes.<name>` and `attributes.*` as fields."""
    return shown.kinds()
