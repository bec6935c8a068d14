"""Who text messages are from, and what they end with, as settings and campaigns say it."""

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from drumbeat.fields import Name

# 3GPP TS 23.040, 9.1.2.5: a name has at most 11 characters; operators take letters, digits and a few signs.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _&+-]{0,10}")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}")


def _sender(text: str) -> str:
    if not (_NUMBER.fullmatch(text) or is_name(text)):
        raise ValueError(
            "must be a name of at most 11 letters and digits, a short code, or a number like +8801712345678"
        )
    return text


def is_name(sender: str) -> bool:
    """Whether it says who sends. Nobody can reply to such a sender."""
    return bool(_NAME.fullmatch(sender)) and any(letter.isalpha() for letter in sender)


SmsSender = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20), AfterValidator(_sender)]
"""Who a text message is from: a name of at most 11 letters and digits, a short code, or a number in E.164."""

SmsFooter = Annotated[Name, StringConstraints(max_length=100)]
"""The last line of text messages, such as "Reply STOP to end"."""
