"""What people are answered who text STOP, START or HELP, as settings say it and by default.

The default texts say what the CTIA's handbook asks for (Messaging Principles and Best Practices, 5.1): who it is, that
it has taken effect, and how to get out or in again. `{sender}` stands for the sender's name.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from drumbeat.fields import Body, Text

Word = Literal["stop", "start", "help"]
Answer = Annotated[Text, StringConstraints(strip_whitespace=True, max_length=320)]

DEFAULTS: dict[str, dict[Word, str]] = {
    "en": {
        "stop": "{sender}: You are unsubscribed and will get no more messages. Reply START to get them again.",
        "start": "{sender}: You will get our messages again. Reply HELP for help, STOP to end.",
        "help": "{sender}: News and offers. Message and data rates may apply. Reply STOP to end.",
    },
    "bn": {
        "stop": "{sender}: আপনি আর কোনো বার্তা পাবেন না। আবার পেতে START লিখে পাঠান।",
        "start": "{sender}: আপনি আবার আমাদের বার্তা পাবেন। বন্ধ করতে STOP লিখে পাঠান।",
        "help": "{sender}: খবর ও অফার। বন্ধ করতে STOP লিখে পাঠান।",
    },
}


class AnswersOfLanguage(Body):
    """The answers of one language; those left out are the default ones, an empty one is not sent."""

    stop: Answer | None = None
    start: Answer | None = None
    help: Answer | None = None


class SmsAnswers(Body):
    """The answers by language."""

    en: AnswersOfLanguage = Field(default_factory=AnswersOfLanguage)
    bn: AnswersOfLanguage = Field(default_factory=AnswersOfLanguage)


def answer(chosen: SmsAnswers, language: str, word: Word, sender: str) -> str:
    """The answer to a word in a language that there are answers in; empty for none."""
    own: str | None = getattr(getattr(chosen, language), word)
    text = DEFAULTS[language][word] if own is None else own
    return text.replace("{sender}", sender)
