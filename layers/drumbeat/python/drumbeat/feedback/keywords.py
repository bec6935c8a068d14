"""Words that people text to a sender: to get no more, to get messages again, to be told what this is. Pure.

The English ones are those that carriers and Twilio act on (twilio.com/docs/messaging/tutorials/advanced-opt-out), with
what people write instead of them: an opt-out by any reasonable means counts (47 CFR 64.1200(a)(10)). A word counts when
it is all that a message says; `stop by tomorrow?` is a reply.
"""

import re
import unicodedata

from drumbeat.accounts.sms_answers import Word

_STOP = (
    "stop", "stopall", "stop all", "unsubscribe", "unsubscribe me", "cancel", "end", "quit", "optout", "opt out",
    "revoke", "remove me", "stop please", "please stop", "stop it", "no more",
    "বন্ধ", "বন্ধ করুন", "বন্ধ করো", "বন্ধ করেন", "বন্ধ কর", "থামুন", "থামাও", "থামান", "বাতিল", "বাতিল করুন",
    "আনসাবস্ক্রাইব", "আনসাবস্ক্রাইব করুন", "স্টপ", "আর না", "bondho", "bondho korun", "bondho koro", "bondo", "batil",
    "thamun",
)  # fmt: skip
_START = (
    "start", "unstop", "subscribe", "opt in", "optin",
    "শুরু", "শুরু করুন", "চালু", "চালু করুন", "সাবস্ক্রাইব", "স্টার্ট", "shuru", "suru", "chalu", "chalu korun",
)  # fmt: skip
# Also answers to questions: they count for somebody who has opted out.
_AGREEMENT = ("yes", "হ্যাঁ", "জি", "জ্বি")
_HELP = (
    "help", "info", "help me", "সাহায্য", "সাহায্য করুন", "সহায়তা", "তথ্য", "হেল্প", "ইনফো", "shahajjo", "sahajjo",
)  # fmt: skip


def plain(text: str) -> str:
    """A text without case, punctuation and spare blanks; marks that belong to letters stay."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in folded)
    return re.sub(r" +", " ", kept).strip()


_FAMILIES: dict[Word, tuple[str, ...]] = {"stop": _STOP, "start": _START, "help": _HELP}
_WORDS = {plain(text): word for word, texts in _FAMILIES.items() for text in texts}
_YES = frozenset(map(plain, _AGREEMENT))


def meaning(text: str, *, opted_out: bool) -> Word | None:
    """What a message asks for; None for one that is a reply. `opted_out`: whoever sent it gets no messages now."""
    if len(text) > 100:
        return None
    said = plain(text)
    return "start" if opted_out and said in _YES else _WORDS.get(said)


def of_twilio(opt_out_type: str) -> Word | None:
    """What Twilio has understood, and answered, where its own handling of such words is configured."""
    said: dict[str, Word] = {"STOP": "stop", "START": "start", "HELP": "help"}
    return said.get(opt_out_type.upper())
