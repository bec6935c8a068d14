"""The mails with which people confirm that they are who asks for their data, in the languages of the pages."""

from collections.abc import Mapping

from drumbeat.privacy.model import Wish

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "data_export_subject": "Your data at {name}",
        "data_export": "someone, we hope you, asked for a copy of all that {name} has stored about you.",
        "erasure_subject": "Deleting your data at {name}",
        "erasure": "someone, we hope you, asked {name} to delete all that it has stored about you.",
        "frame": "Hello,\n\n{asked}\n\nIf it was you, open this page within {minutes} minutes and press its button:\n"
        "{link}\n\nIf it was not you, nothing happens: leave this mail alone, and do not pass the link on.\n",
    },
    "bn": {
        "data_export_subject": "{name}-এ আপনার তথ্য",
        "data_export": "কেউ, আশা করি আপনিই, {name}-এর কাছে সংরক্ষিত আপনার সব তথ্যের একটি কপি চেয়েছেন।",
        "erasure_subject": "{name} থেকে আপনার তথ্য মুছে ফেলা",
        "erasure": "কেউ, আশা করি আপনিই, {name}-কে আপনার সব তথ্য মুছে ফেলতে বলেছেন।",
        "frame": "নমস্কার,\n\n{asked}\n\nঅনুরোধটি আপনার হলে {minutes} মিনিটের মধ্যে এই পাতাটি খুলে বোতামটি চাপুন:\n"
        "{link}\n\nঅনুরোধটি আপনার না হলে কিছু করতে হবে না: এই মেইলটি উপেক্ষা করুন, লিংকটি কাউকে দেবেন না।\n",
    },
}


def written(language: str, wish: Wish, name: str, link: str, minutes: int) -> tuple[str, str]:
    """(subject, text) of the mail."""
    words = _WORDS.get(language, _WORDS["en"])
    asked = words[wish].format(name=name)
    return words[f"{wish}_subject"].format(name=name), words["frame"].format(asked=asked, link=link, minutes=minutes)
