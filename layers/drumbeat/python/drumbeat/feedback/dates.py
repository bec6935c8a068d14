"""Moments in the words of the pages' languages, in the zone of their reader."""

import zoneinfo
from datetime import datetime

from drumbeat.contacts.model import Contact

MONTHS = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December"),
    "bn": ("জানুয়ারি", "ফেব্রুয়ারি", "মার্চ", "এপ্রিল", "মে", "জুন", "জুলাই", "আগস্ট", "সেপ্টেম্বর", "অক্টোবর", "নভেম্বর",
           "ডিসেম্বর"),
}  # fmt: skip
_DIGITS = {"en": {}, "bn": str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯")}


def zone_of(contact: Contact, home: str) -> zoneinfo.ZoneInfo:
    """The contact's zone, else the tenant's."""
    return zoneinfo.ZoneInfo(contact.time_zone or home)


def day(moment: datetime, zone: zoneinfo.ZoneInfo, language: str) -> str:
    """`20 November 2026`."""
    local = moment.astimezone(zone)
    return f"{local.day} {MONTHS[language][local.month - 1]} {local.year}".translate(_DIGITS[language])


def minute(moment: datetime, zone: zoneinfo.ZoneInfo, language: str) -> str:
    """`20 November 2026, 17:45 (Asia/Dhaka)`."""
    local = moment.astimezone(zone)
    clock = f"{local:%H:%M}".translate(_DIGITS[language])
    return f"{day(moment, zone, language)}, {clock} ({zone.key})"
