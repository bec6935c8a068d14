"""The API's document and its readable page, as `make docs` generated them beside this file."""

import gzip
from functools import cache
from pathlib import Path

from drumbeat.http import Raw, Request

HEADERS = {
    "Cache-Control": "public, max-age=300",
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Allow-Origin": "*",
    "Vary": "Accept-Encoding",
}


def openapi(request: Request) -> Raw:
    """OpenAPI 3.1."""
    return _served(request, "openapi.json", "application/json; charset=utf-8")


def page(request: Request) -> Raw:
    """The same for people."""
    return _served(request, "docs.html", "text/html; charset=utf-8")


def _served(request: Request, name: str, content_type: str) -> Raw:
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Raw(_compressed(name), content_type, headers={**HEADERS, "Content-Encoding": "gzip"})
    return Raw(_text(name), content_type, headers=HEADERS)


@cache
def _text(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


@cache
def _compressed(name: str) -> bytes:
    return gzip.compress(_text(name).encode(), mtime=0)
