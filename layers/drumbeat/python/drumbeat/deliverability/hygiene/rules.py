"""What an e-mail address gives away about itself. Pure."""

from typing import Literal

Category = Literal[
    "suppressed", "no_consent", "no_address", "soft_bouncing", "never_engaged", "duplicate", "typo_domain",
    "role_address", "disposable", "test_address",
]  # fmt: skip

# What to do about each, in the order of how much it hurts.
ADVICE: dict[Category, str] = {
    "typo_domain": "Ask these people for the right address, or correct it; mail to such domains meets spam traps.",
    "disposable": "Leave them out: such addresses live for minutes, and then bounce.",
    "soft_bouncing": "Leave them out of the next mails; after five soft bounces in a row they are suppressed.",
    "never_engaged": "Send one mail that asks whether they want to stay, then leave out who does not react.",
    "role_address": "Mail them only if that very address agreed: several people read it, and one will complain.",
    "test_address": "Delete them, unless they are yours.",
    "duplicate": "Keep one of each: the same person gets the mail several times.",
    "no_consent": "They get no marketing. Ask for consent elsewhere; do not mail them to ask.",
    "suppressed": "They get no marketing. Nothing to do; deleting them would not help, the suppression stays.",
    "no_address": "They cannot get e-mail. Reach them by another channel.",
}

# RFC 2142, and what companies use besides.
ROLES = frozenset({
    "abuse", "accounting", "admin", "administrator", "billing", "careers", "contact", "enquiries", "feedback",
    "finance", "ftp", "hello", "help", "helpdesk", "hostmaster", "hr", "info", "inquiries", "it", "jobs", "legal",
    "mail", "mailer-daemon", "marketing", "media", "news", "no-reply", "noc", "noreply", "office", "orders", "post",
    "postmaster", "press", "privacy", "reception", "root", "sales", "security", "service", "spam", "subscribe",
    "support", "sysadmin", "team", "usenet", "uucp", "webmaster", "www",
})  # fmt: skip

# Well-known services of throw-away addresses; the full lists change by the day and have tens of thousands.
DISPOSABLE = frozenset({
    "10minutemail.com", "burnermail.io", "discard.email", "dispostable.com", "emailondeck.com", "fakeinbox.com",
    "getairmail.com", "getnada.com", "grr.la", "guerrillamail.com", "guerrillamail.info", "guerrillamail.net",
    "guerrillamail.org", "harakirimail.com", "inboxkitten.com", "incognitomail.org", "mail-temp.com", "mailcatch.com",
    "maildrop.cc", "mailinator.com", "mailnesia.com", "mailsac.com", "mintemail.com", "moakt.com", "mohmal.com",
    "mytemp.email", "sharklasers.com", "spam4.me", "spamgourmet.com", "temp-mail.io", "temp-mail.org", "tempail.com",
    "tempmail.com", "tempmailo.com", "tempr.email", "throwawaymail.com", "trashmail.com", "trashmail.de", "yopmail.com",
    "yopmail.fr",
})  # fmt: skip

# Mailbox providers that people mistype, and others near their names that are no mistakes.
MISTYPED = (
    "gmail.com", "googlemail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com", "protonmail.com",
    "live.com", "msn.com", "aol.com", "comcast.net", "yahoo.co.uk", "hotmail.co.uk", "t-online.de", "web.de",
)  # fmt: skip
_REAL = frozenset({
    *MISTYPED, "mail.com", "email.com", "ymail.com", "gmx.com", "gmx.net", "gmx.de", "gmx.at", "gmx.ch", "yahoo.ca",
    "yahoo.cn", "yahoo.com.au", "yahoo.com.br", "yahoo.de", "yahoo.es", "yahoo.fr", "yahoo.in", "yahoo.it",
    "hotmail.de", "hotmail.es", "hotmail.fr", "hotmail.it", "outlook.de", "outlook.es", "outlook.fr",
    "outlook.in", "outlook.it",
    "live.ca", "live.cn", "live.de", "live.fr", "live.in", "live.it", "love.com", "aim.com", "me.com", "mac.com",
    "proton.me", "pm.me", "mail.ru", "qq.com", "163.com", "126.com", "wed.de", "wer.de", "line.com", "life.com",
    "msn.cn", "like.com", "five.com", "give.com", "hive.com", "lime.com", "dive.com", "olive.com", "alive.com",
    "bell.com", "web.dk",
})  # fmt: skip
_RESERVED = (".test", ".example", ".invalid", ".localhost")  # RFC 2606
_TESTERS = frozenset({"test", "testing", "asdf", "qwerty", "foo", "bar", "foobar", "abc", "xxx", "aaa", "none", "null"})
# Providers that deliver `ann+shop@` to `ann@`; of Gmail's, dots do not count either.
_DOTLESS = frozenset({"gmail.com", "googlemail.com"})


def about(address: str) -> set[Category]:
    """What is doubtful about an address (as `addresses.claim` gives it)."""
    local, _, domain = address.rpartition("@")
    plain = local.partition("+")[0]
    reserved = domain.endswith(_RESERVED) or domain in ("example.com", "example.net", "example.org", "test.com")
    found: dict[Category, bool] = {
        "typo_domain": meant_domain(domain) is not None,
        "disposable": domain in DISPOSABLE or any(domain.endswith(f".{one}") for one in DISPOSABLE),
        "role_address": plain in ROLES,
        "test_address": plain in _TESTERS or reserved,
    }
    return {category for category, holds in found.items() if holds}


def suggestion(category: Category, address: str) -> str | None:
    """The address that may be meant, or the mailbox that it shares with others."""
    local, _, domain = address.rpartition("@")
    if category == "duplicate":
        return canonical(address) or address
    meant = meant_domain(domain) if category == "typo_domain" else None
    return meant and f"{local}@{meant}"


def canonical(address: str) -> str | None:
    """The address that this one is another way of writing for: without what follows a plus, and without Gmail's dots;
    None for one that is written plainly."""
    local, _, domain = address.rpartition("@")
    plain = local.partition("+")[0]
    if domain in _DOTLESS:
        plain, domain = plain.replace(".", ""), "gmail.com"
    written = f"{plain}@{domain}"
    return written if plain and written != address else None


def meant_domain(domain: str) -> str | None:
    """The large mailbox provider that this domain is one slip of the finger away from."""
    if domain in _REAL:
        return None
    return next((one for one in MISTYPED if abs(len(one) - len(domain)) <= 1 and _one_slip(domain, one)), None)


def _one_slip(said: str, meant: str) -> bool:
    """Whether one letter too many, too few or wrong, or two in the wrong order, is all that differs (the optimal string
    alignment distance of Damerau 1964 is 1)."""
    start = 0
    while start < min(len(said), len(meant)) and said[start] == meant[start]:
        start += 1
    one, other = said[start:], meant[start:]
    if len(one) == len(other):
        swapped = len(one) > 1 and (one[0], one[1]) == (other[1], other[0]) and one[2:] == other[2:]
        return swapped or (bool(one) and one[1:] == other[1:])
    return one[1:] == other if len(one) > len(other) else one == other[1:]
