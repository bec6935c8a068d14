"""Answer requests for which there is no route, with the error envelope of all others."""

from typing import NoReturn

from drumbeat.errors import NotFound
from drumbeat.http import STANDARD, Request, http


@http("$default", limit=STANDARD)
def handler(request: Request) -> NoReturn:
    """404 `NOT_FOUND` naming the method and the path."""
    raise NotFound(f"There is nothing at {request.method} {request.path[:200]}. GET /docs lists what there is.")
