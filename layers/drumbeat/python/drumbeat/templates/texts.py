"""Texts of mails in requests, by their bytes: templates and campaigns have them."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from drumbeat.fields import Text


def at_most(most: int) -> AfterValidator:
    """Bytes, as they are what an item of the table may have 400 KB of."""

    def bounded(text: str) -> str:
        if len(text.encode()) > most:
            raise ValueError(f"must be at most {most // 1000} KB")
        return text

    return AfterValidator(bounded)


PlainText = Annotated[Text, StringConstraints(max_length=100_000), at_most(100_000)]
