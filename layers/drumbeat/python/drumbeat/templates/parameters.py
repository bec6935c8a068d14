"""Query parameters that are appended to the links of a mail. What a link has already, it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from drumbeat.templates.source import PLACEHOLDER


@dataclass(frozen=True, slots=True)
class Parameters:
    """Names and values, and the hosts whose links get them; without hosts, all do."""

    pairs: tuple[tuple[str, str], ...] = ()
    hosts: tuple[str, ...] = ()

    @staticmethod
    def of(said: Mapping[str, Any] | None) -> Parameters:
        """From what a send has frozen: {"parameters": {…}, "hosts": […]}."""
        return Parameters(tuple((said or {}).get("parameters", {}).items()), tuple((said or {}).get("hosts", ())))

    def on(self, url: str) -> str:
        """The (masked) web address with the parameters that it does not have."""
        if not self.pairs or not self._meant(url):
            return url
        head, mark, fragment = url.partition("#")
        path, asked, query = head.partition("?")
        there = {part.partition("=")[0] for part in query.split("&")}
        added = "&".join(f"{name}={quote(value, safe='')}" for name, value in self.pairs if name not in there)
        if not added:
            return url
        before = f"{path}?{query}" if asked else f"{path}?"
        return before + ("" if before.endswith(("?", "&")) else "&") + added + mark + fragment

    def _meant(self, url: str) -> bool:
        try:
            authority = urlsplit(url).netloc
            host = urlsplit(PLACEHOLDER.sub("x", url)).hostname or ""
        except ValueError:
            return False
        if PLACEHOLDER.search(authority):
            return False
        return not self.hosts or any(host == named or host.endswith(f".{named}") for named in self.hosts)


NONE = Parameters()
