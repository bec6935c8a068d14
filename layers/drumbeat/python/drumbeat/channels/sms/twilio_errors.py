"""What Twilio's error codes mean (twilio.com/docs/api/errors): of a refused request, and of a message that did not
arrive. Pure."""

# Those of one recipient:
_OF_THE_RECIPIENT = {
    21211: "invalid_number", 21214: "not_reachable", 21217: "invalid_number", 21265: "invalid_number",
    21408: "country_not_permitted", 21421: "invalid_number", 21604: "no_number", 21610: "opted_out",
    21612: "not_reachable", 21614: "not_a_mobile_number", 21635: "landline", 30003: "unreachable",
    30004: "blocked", 30005: "unknown_number", 30006: "landline", 30610: "quiet_hours",
}  # fmt: skip
# Those of what it says:
_OF_THE_CONTENT = {
    21602: "no_body", 21605: "body_too_long", 21617: "body_too_long", 21619: "no_body_or_media",
    21620: "invalid_media_url", 21621: "media_unreachable", 21622: "media_not_supported", 21623: "too_much_media",
    30007: "filtered", 30019: "media_too_large", 30038: "one_time_password_in_body",
}  # fmt: skip
# Those of the way:
_OF_THE_WAY = {30001: "queue_full", 30002: "account_suspended", 30008: "unknown", 30009: "part_lost"}
# Those of the account, its senders and what they may do:
ACCOUNT = frozenset({
    20003, 20004, 20005, 20006, 20008, 20010, 20403, 20404, 21212, 21266, 21601, 21603, 21606, 21607, 21608, 21609,
    21615, 21624, 21654, 21655, 21659, 21660, 21661, 21701, 21702, 21703, 21704, 21705, 21706, 21709, 21710, 21711,
    21712, 21713, 21714, 30002, 30032, 30034, 30037,
})  # fmt: skip
THROTTLED = frozenset({14107, 20429, 21611, 30001, 30022})
QUOTA = frozenset({30023, 30027, 63038})
OPTED_OUT = 21610
# Nobody gets an SMS at such a number: there is none, or it is a landline.
DEAD = frozenset({21211, 21614, 21635, 30005, 30006})


def reason_of(code: int | None) -> str | None:
    """A code with its meaning, where we know it: `30006: landline`."""
    if not code:
        return None
    meanings = (_OF_THE_RECIPIENT, _OF_THE_CONTENT, _OF_THE_WAY)
    meaning = next((known[code] for known in meanings if code in known), None)
    return f"{code}: {meaning}" if meaning else str(code)


def code_of(value: object) -> int | None:
    """A code as a number, however it is written; None for none (`0`, empty)."""
    text = str(value) if isinstance(value, int | str) else ""
    return int(text) or None if text.isascii() and text.isdigit() and len(text) < 7 else None
