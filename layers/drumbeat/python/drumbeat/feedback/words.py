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
        "preferences_intro_unknown": "What may {tenant} send to you?",
        "email": "News and offers by e-mail",
        "sms": "News and offers by SMS",
        "push": "News and offers as notifications on my devices",
        "granted_since": "yes, since {since}",
        "revoked_since": "no, since {since}",
        "categories": "What about?",
        "frequency": "How often at most?",
        "any": "As often as there is something",
        "daily": "Once a day",
        "weekly": "Once a week",
        "monthly": "Once a month",
        "other_wishes": "And besides?",
        "pause": "Pause all news and offers for 30 days",
        "paused": "All news and offers are paused until {until}",
        "still_comes": "Messages about your orders and your account still come.",
        "tracking": "Let the sender see which of its messages I open and which links I follow",
        "language": "Language",
        "save": "Save",
        "saved": "Saved. Your choices are in force now:",
        "no": "no",
        "none": "nothing",
        "chosen_since": "As chosen here on {since}",
        "your_data": "Your data",
        "your_data_intro": "You can see all that {tenant} has stored about you, or have it deleted. To be sure that it "
        "is you, we send a link to {address} first.",
        "ask_data_export": "Send me my data",
        "ask_erasure": "Delete my data",
        "privacy_link_sent_title": "Please look into your mailbox",
        "privacy_link_sent": "Please open the link in the e-mail to {address} within an hour. Nothing happens before "
        "that.",
        "privacy_link_sent_unknown": "We have no e-mail address of yours to send a link to. Please ask {tenant}.",
        "privacy_expired_title": "This link cannot be used any more",
        "privacy_expired": "It has been used, is older than an hour, or there is a newer one. You can ask for another.",
        "data_export_title": "Your data",
        "data_export_question": "Shall we put together all that {tenant} has stored about {address}?",
        "data_export_button": "Yes, show me my data",
        "data_preparing_title": "Your data is on its way",
        "data_preparing": "We are putting it together. That takes a moment.",
        "look_again": "Look again",
        "data_ready_title": "Your data is ready",
        "data_ready": "It is a file in a common format (JSON). This page works for an hour after we sent its link.",
        "data_download": "Download my data",
        "erasure_title": "Delete your data",
        "erasure_question": "Shall {tenant} delete all that it has stored about {address}? This cannot be undone. Only "
        "a code stays, which tells that you are to get no more e-mails.",
        "erasure_button": "Yes, delete everything",
        "erased_title": "Your data is deleted",
        "erased": "{tenant} has deleted your data. The last of it will be gone within minutes. You will get no more "
        "e-mails.",
        "gone_title": "Nothing to change",
        "gone": "{tenant} no longer has your data, so there is nothing that could be sent to you.",
        "test_title": "This was a test",
        "test": "This link is from a test e-mail. In the real one, it is where recipients unsubscribe or choose what "
        "they get. Nothing was changed.",
        "unknown_title": "This link does not work",
        "unknown": "It may be incomplete: the e-mail was cut off, or the link was broken over two lines. "
        "Please open it from the e-mail again.",
        "confirm_title": "Please confirm",
        "confirm_question": "May {tenant} send news and offers to {address}?",
        "confirm": "Yes, subscribe me",
        "confirmed_title": "Thank you",
        "confirmed": "You will get news and offers from {tenant}. You can close this page.",
        "late_title": "This link has expired",
        "late": "It is too old to be used. Shall we send a new one to {address}?",
        "send_again": "Send a new link",
        "sent_again_title": "A new link is on its way",
        "sent_again": "Please look into your mailbox at {address}, and use the link in the latest e-mail.",
        "wait_title": "Not yet",
        "wait": "We have written to {address} lately. Please look into your mailbox, also where unwanted e-mail goes. "
        "You can ask for another link later.",
        "no_more_title": "This link is of no use any more",
        "no_more": "If you want to get news and offers from {tenant}, please sign up again.",
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
        "preferences_intro_unknown": "{tenant} আপনাকে কী পাঠাতে পারে?",
        "email": "ইমেইলে খবর ও অফার",
        "sms": "এসএমএসে খবর ও অফার",
        "push": "আমার ডিভাইসে নোটিফিকেশন হিসেবে খবর ও অফার",
        "granted_since": "হ্যাঁ, {since} থেকে",
        "revoked_since": "না, {since} থেকে",
        "categories": "কোন কোন বিষয়ে?",
        "frequency": "সর্বোচ্চ কত ঘন ঘন?",
        "any": "যখনই কিছু থাকে",
        "daily": "দিনে একবার",
        "weekly": "সপ্তাহে একবার",
        "monthly": "মাসে একবার",
        "other_wishes": "আর কিছু?",
        "pause": "৩০ দিনের জন্য সব খবর ও অফার বন্ধ রাখুন",
        "paused": "{until} পর্যন্ত সব খবর ও অফার বন্ধ আছে",
        "still_comes": "আপনার অর্ডার ও অ্যাকাউন্ট সম্পর্কিত বার্তা আগের মতোই আসবে।",
        "tracking": "আমি কোন বার্তা খুলি ও কোন লিংকে যাই, প্রেরক তা দেখতে পারবে",
        "language": "ভাষা",
        "save": "সংরক্ষণ করুন",
        "saved": "সংরক্ষিত হয়েছে। আপনার পছন্দ এখন থেকেই কার্যকর:",
        "no": "না",
        "none": "কিছুই না",
        "chosen_since": "এখানে {since} তারিখে যেমন বেছে নিয়েছেন",
        "your_data": "আপনার তথ্য",
        "your_data_intro": "{tenant} আপনার সম্পর্কে যা কিছু সংরক্ষণ করেছে তা দেখতে বা মুছে ফেলতে বলতে পারেন। "
        "আপনিই যে চাইছেন তা নিশ্চিত হতে আমরা প্রথমে {address} ঠিকানায় একটি লিংক পাঠাই।",
        "ask_data_export": "আমার তথ্য পাঠান",
        "ask_erasure": "আমার তথ্য মুছে ফেলুন",
        "privacy_link_sent_title": "আপনার ইনবক্স দেখুন",
        "privacy_link_sent": "{address} ঠিকানায় আসা ইমেইলের লিংকটি এক ঘণ্টার মধ্যে খুলুন। তার আগে কিছুই হবে না।",
        "privacy_link_sent_unknown": "লিংক পাঠানোর মতো আপনার কোনো ইমেইল ঠিকানা আমাদের কাছে নেই। {tenant}-কে জানান।",
        "privacy_expired_title": "এই লিংকটি আর ব্যবহার করা যাবে না",
        "privacy_expired": "লিংকটি ব্যবহার করা হয়েছে, এক ঘণ্টার বেশি পুরোনো, বা নতুন একটি আছে। আরেকটি চাইতে পারেন।",
        "data_export_title": "আপনার তথ্য",
        "data_export_question": "{tenant} {address} সম্পর্কে যা কিছু সংরক্ষণ করেছে, সব একত্র করব?",
        "data_export_button": "হ্যাঁ, আমার তথ্য দেখান",
        "data_preparing_title": "আপনার তথ্য প্রস্তুত হচ্ছে",
        "data_preparing": "আমরা তথ্যগুলো একত্র করছি। একটু সময় লাগবে।",
        "look_again": "আবার দেখুন",
        "data_ready_title": "আপনার তথ্য প্রস্তুত",
        "data_ready": "এটি প্রচলিত ফরম্যাটের (JSON) একটি ফাইল। লিংক পাঠানোর পর এক ঘণ্টা এই পাতাটি কাজ করে।",
        "data_download": "আমার তথ্য ডাউনলোড করুন",
        "erasure_title": "আপনার তথ্য মুছে ফেলা",
        "erasure_question": "{tenant} {address} সম্পর্কে যা কিছু সংরক্ষণ করেছে, সব মুছে ফেলবে? এটি আর ফেরানো যাবে না। "
        "শুধু একটি কোড থাকবে, যা থেকে বোঝা যায় আপনাকে আর ইমেইল পাঠানো যাবে না।",
        "erasure_button": "হ্যাঁ, সব মুছে ফেলুন",
        "erased_title": "আপনার তথ্য মুছে ফেলা হয়েছে",
        "erased": "{tenant} আপনার তথ্য মুছে ফেলেছে। বাকিটুকু কয়েক মিনিটের মধ্যে মুছে যাবে। আপনি আর কোনো ইমেইল পাবেন না।",
        "gone_title": "পরিবর্তন করার কিছু নেই",
        "gone": "{tenant}-এর কাছে আপনার কোনো তথ্য আর নেই, তাই আপনাকে কিছু পাঠানোও সম্ভব নয়।",
        "test_title": "এটি একটি পরীক্ষা ছিল",
        "test": "এই লিংকটি একটি পরীক্ষামূলক ইমেইলের। আসল ইমেইলে প্রাপকেরা এখানে আনসাবস্ক্রাইব করেন বা কী পাবেন তা বেছে নেন। "
        "কিছুই পরিবর্তন করা হয়নি।",
        "unknown_title": "এই লিংকটি কাজ করছে না",
        "unknown": "লিংকটি হয়তো অসম্পূর্ণ। ইমেইল থেকে আবার খুলে দেখুন।",
        "confirm_title": "অনুগ্রহ করে নিশ্চিত করুন",
        "confirm_question": "{tenant} কি {address} ঠিকানায় খবর ও অফার পাঠাতে পারে?",
        "confirm": "হ্যাঁ, আমাকে সাবস্ক্রাইব করুন",
        "confirmed_title": "ধন্যবাদ",
        "confirmed": "আপনি {tenant} থেকে খবর ও অফার পাবেন। এই পাতাটি বন্ধ করতে পারেন।",
        "late_title": "এই লিংকটির মেয়াদ শেষ",
        "late": "লিংকটি পুরোনো হয়ে গেছে। {address} ঠিকানায় নতুন একটি পাঠাব?",
        "send_again": "নতুন লিংক পাঠান",
        "sent_again_title": "নতুন লিংক পাঠানো হচ্ছে",
        "sent_again": "{address} ঠিকানার ইনবক্স দেখুন, এবং সর্বশেষ ইমেইলের লিংকটি ব্যবহার করুন।",
        "wait_title": "একটু অপেক্ষা করুন",
        "wait": "আমরা কিছুক্ষণ আগেই {address} ঠিকানায় লিখেছি। ইনবক্স ও স্প্যাম ফোল্ডার দেখুন। পরে আরেকটি লিংক চাইতে পারেন।",
        "no_more_title": "এই লিংকটি আর কাজে লাগবে না",
        "no_more": "{tenant} থেকে খবর ও অফার পেতে চাইলে আবার সাইন আপ করুন।",
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
