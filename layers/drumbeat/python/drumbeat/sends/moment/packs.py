"""Rules of countries about when marketing may be sent, each with where it says so.

Hours are those of the recipient's clock, from the first until before the second. A law that speaks of calls is kept for
text messages too where it defines them as calls, or courts do. What was found was read in November 2026; none of it is
legal advice. Countries that are not here have `DEFAULT`.
"""

from typing import NamedTuple

from drumbeat.sends.moment.weeks import Week, daily, hours

_SUNDAY = 6


class Pack(NamedTuple):
    """The hours of a country, or of a state of it, and their source."""

    week: Week
    source: str


# Twilio's error 30610 (twilio.com/docs/api/errors/30610) names these hours for marketing under local law, TCPA's for
# one; where no law was found they are our own rule for what makes a telephone ring.
DEFAULT = Pack(daily(hours(8), hours(21)), "default: the hours of Twilio's error 30610")

SMS: dict[str, Pack] = {
    "US": Pack(
        daily(hours(8), hours(21)),
        "47 CFR 64.1200(c)(1) (TCPA): no solicitation before 8 a.m. or after 9 p.m., local time at the called party's "
        "location",
    ),
    "IN": Pack(
        daily(hours(10), hours(21)),
        "TRAI, Telecom Commercial Communications Customer Preference Regulations 2018: promotional messages from 10:00 "
        "to 21:00 (docs.contlo.com/docs/sms-regulation-in-india; some operators open at 9:00)",
    ),
    "BD": Pack(
        daily(hours(9), hours(21)),
        "default for Bangladesh: BTRC told operators to send nothing promotional at night "
        "(techworldbd24.com/techworld/460); no text of it that names hours was found, so these are our choice",
    ),
    "FR": Pack(
        daily(hours(8), hours(21, 30)),
        "af2m, Charte Business Messaging 2026: promotional messages from 8:00 to 21:30, Sundays and holidays in "
        "moderation (ecranmobile.fr, 17 February 2026); the charter before it forbade Sundays",
    ),
    "GB": Pack(
        daily(hours(9), hours(20)),
        "no law names hours; what is usual for the United Kingdom "
        "(support.ometria.com, SMS country-specific marketing compliance)",
    ),
    "BE": Pack(
        daily(hours(9), hours(20)),
        "no law names hours; what is usual for Belgium "
        "(support.ometria.com, SMS country-specific marketing compliance)",
    ),
}

# States of the US with stricter hours. Florida and Oklahoma presume that who has one of their area codes is there.
STATES: dict[str, Pack] = {
    "FL": Pack(daily(hours(8), hours(20)), "Fla. Stat. 501.616(6)(a): not before 8 a.m. or after 8 p.m."),
    "OK": Pack(
        daily(hours(8), hours(20)),
        "Oklahoma Telephone Solicitation Act of 2022 (HB 3168), 15 O.S. 775C.4: 8 a.m. to 8 p.m.",
    ),
    "WA": Pack(daily(hours(8), hours(20)), "RCW 80.36.390 as of HB 1497 (2022): not before 8 a.m. or after 8 p.m."),
    "MD": Pack(
        daily(hours(8), hours(20)),
        "Stop the Spam Calls Act of 2023, Md. Code, Com. Law 14-4502: 8 a.m. to 8 p.m. in the called party's zone",
    ),
    "CT": Pack(
        daily(hours(9), hours(20)),
        "Conn. Gen. Stat. 42-288a as of October 2023: 9 a.m. to 8 p.m., text messages too",
    ),
    "TX": Pack(
        (*daily(hours(9), hours(21))[:_SUNDAY], (hours(12), hours(21))),
        "Tex. Bus. & Com. Code 301.051 with SB 140 (2025), which counts text messages: 9 a.m. to 9 p.m., on Sundays "
        "from noon",
    ),
}

# Area codes of these states (North American Numbering Plan; nanpa.com).
AREA_CODES: dict[str, str] = {
    code: state
    for state, codes in {
        "FL": "239 305 321 324 352 386 407 448 561 645 656 689 727 728 754 772 786 813 850 863 904 941 954",
        "OK": "405 539 572 580 918",
        "WA": "206 253 360 425 509 564",
        "MD": "227 240 301 410 443 667",
        "CT": "203 475 860 959",
        "TX": "210 214 254 281 325 346 361 409 430 432 469 512 621 682 713 726 737 806 817 830 832 903 915 936 940 "
        "945 956 972 979",
    }.items()
    for code in codes.split()
}


def of(channel: str, country: str | None, state: str | None) -> Pack | None:
    """The rules for a channel in a country; None where a channel has none, as e-mail, which nobody has to hear come."""
    if channel == "push":
        return DEFAULT
    if channel != "sms":
        return None
    if country == "US" and state in STATES:
        return STATES[state]
    return SMS.get(country or "", DEFAULT)
