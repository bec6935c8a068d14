"""What the pages for recipients say, in the languages that they speak."""

from collections.abc import Iterable

LANGUAGES = {"en": "English", "bn": "বাংলা"}

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "unsubscribe_title": "Unsubscribe",
        "unsubscribe_question": "No more marketing e-mails from {tenant} to {address}?",
        "unsubscribe_question_unknown": "No more marketing e-mails from {tenant}?",
        "reason": "Would you tell us why? (optional)",
        "too_many": "I get too many e-mails",
        "not_relevant": "They are not relevant to me",
        "never_asked": "I never asked for them",
        "other": "Another reason",
        "unsubscribe": "Unsubscribe",
        "other_choices": "Choose what you get instead",
        "done_title": "You are unsubscribed",
        "done": "You will get no more marketing e-mails from {tenant}. You can close this page.",
        "changed_mind": "Changed your mind?",
        "preferences_title": "Your preferences",
        "preferences_intro": "What may {tenant} send to {address}?",
        "email": "News and offers by e-mail",
        "sms": "News and offers by SMS",
        "language": "Language",
        "save": "Save",
        "saved": "Saved. Your choices are in force now.",
        "gone_title": "Nothing to change",
        "gone": "{tenant} no longer has your data, so there is nothing that could be sent to you.",
        "test_title": "This was a test",
        "test": "This link is from a test e-mail. In the real one, it is where recipients unsubscribe or choose what "
        "they get. Nothing was changed.",
        "unknown_title": "This link does not work",
        "unknown": "It may be incomplete: the e-mail was cut off, or the link was broken over two lines. "
        "Please open it from the e-mail again.",
    },
    "bn": {
        "unsubscribe_title": "আনসাবস্ক্রাইব",
        "unsubscribe_question": "{address} ঠিকানায় {tenant} থেকে আর কোনো প্রচারমূলক ইমেইল চান না?",
        "unsubscribe_question_unknown": "{tenant} থেকে আর কোনো প্রচারমূলক ইমেইল চান না?",
        "reason": "কারণটি কি জানাবেন? (ঐচ্ছিক)",
        "too_many": "আমি অনেক বেশি ইমেইল পাই",
        "not_relevant": "এগুলো আমার কাজে লাগে না",
        "never_asked": "আমি কখনো এগুলো চাইনি",
        "other": "অন্য কারণ",
        "unsubscribe": "আনসাবস্ক্রাইব করুন",
        "other_choices": "বরং কী পাবেন তা বেছে নিন",
        "done_title": "আপনি আনসাবস্ক্রাইব করেছেন",
        "done": "{tenant} থেকে আপনি আর কোনো প্রচারমূলক ইমেইল পাবেন না। এই পাতাটি বন্ধ করতে পারেন।",
        "changed_mind": "মত বদলেছেন?",
        "preferences_title": "আপনার পছন্দ",
        "preferences_intro": "{tenant} আপনাকে ({address}) কী পাঠাতে পারে?",
        "email": "ইমেইলে খবর ও অফার",
        "sms": "এসএমএসে খবর ও অফার",
        "language": "ভাষা",
        "save": "সংরক্ষণ করুন",
        "saved": "সংরক্ষিত হয়েছে। আপনার পছন্দ এখন থেকেই কার্যকর।",
        "gone_title": "পরিবর্তন করার কিছু নেই",
        "gone": "{tenant}-এর কাছে আপনার কোনো তথ্য আর নেই, তাই আপনাকে কিছু পাঠানোও সম্ভব নয়।",
        "test_title": "এটি একটি পরীক্ষা ছিল",
        "test": "এই লিংকটি একটি পরীক্ষামূলক ইমেইলের। আসল ইমেইলে প্রাপকেরা এখানে আনসাবস্ক্রাইব করেন বা কী পাবেন তা বেছে নেন। "
        "কিছুই পরিবর্তন করা হয়নি।",
        "unknown_title": "এই লিংকটি কাজ করছে না",
        "unknown": "লিংকটি হয়তো অসম্পূর্ণ। ইমেইল থেকে আবার খুলে দেখুন।",
    },
}


def spoken(*wishes: str | None) -> str:
    """The first of these languages that the pages speak. A wish is a tag (`bn-BD`) or an Accept-Language header."""
    for wish in wishes:
        for tag in _in_order(wish or ""):
            language = tag.split("-")[0].lower()
            if language in WORDS:
                return language
    return "en"


def _in_order(header: str) -> Iterable[str]:
    """The tags of an Accept-Language header (RFC 9110, 12.5.4), most wanted first; without those of weight 0."""
    weighted = []
    for part in header[:500].split(","):
        tag, _, parameter = part.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 0.0
        if weight > 0:
            weighted.append((weight, tag.strip()))
    return [tag for _, tag in sorted(weighted, key=lambda pair: -pair[0])]
