"""A file of contacts as companies have them: duplicates, bad addresses, missing consent, umlauts, Bangla.

Whoever makes the file knows what must come of it, so it is the truth that the product's numbers are held against.
"""

import csv
import io
import random
from dataclasses import dataclass, field

FIRST = ("Anna", "Jürgen", "Søren", "Zoë", "Łukasz", "José", "আমিনা", "রহিম", "ফাতেমা", "করিম", "Mary Jane", "O'Brien")
LAST = ("Müller", "Nguyễn", "Smith", "হোসেন", "আক্তার", "Ågren", "D'Angelo", "García", "Öztürk", "Chowdhury")
CITIES = ("Dhaka", "Köln", "Chattogram", "London", "São Paulo", "চট্টগ্রাম", "Zürich")
BAD = ("not-an-address", "two@@signs.example", "spaces in@town.example", "@nobody.example", "trailing@dot.", "a@b")
HEADER = (
    "Email", "First Name", "Last Name", "External ID", "city", "engagement", "consent", "language", "Phone",
    "sms_consent", "time_zone",
)  # fmt: skip
# How many have a telephone, and what they said about texts, in turn.
WITH_PHONE, ABOUT_TEXTS = 200, ("yes", "yes", "yes", "yes", "", "yes", "yes", "no", "yes", "yes")
# Shares of the rows.
BAD_ADDRESS, REPEATED, SILENT, REFUSED, BOUNCING, COMPLAINING = 0.01, 0.02, 0.06, 0.02, 0.018, 0.001
# Who is engaged: the segment's condition.
ENGAGED = 60


@dataclass
class File:
    """The CSV, and what is true of it; addresses in lower case."""

    text: str
    rows: int
    contacts: set[str] = field(default_factory=set)
    engaged: set[str] = field(default_factory=set)
    eligible: set[str] = field(default_factory=set)
    texted: set[str] = field(default_factory=set)
    rejected: int = 0
    repeated: int = 0


def make(rows: int, seed: int, zone: str = "") -> File:
    """A file of so many rows; the same for the same seed. Who has a telephone lives in the time zone."""
    chance = random.Random(seed)
    made = File("", rows)
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow(HEADER)
    known: list[list[str]] = []
    for number in range(rows):
        draw = chance.random()
        if draw < BAD_ADDRESS:
            writer.writerow(_row(chance, number, chance.choice(BAD)))
            made.rejected += 1
        elif draw < BAD_ADDRESS + REPEATED and known:
            again = list(chance.choice(known))
            again[0] = again[0].upper() if chance.random() < 0.5 else f"  {again[0]} "
            writer.writerow(again)
            made.repeated += 1
        else:
            row = _row(chance, number, _address(chance, number))
            if number % max(1, rows // WITH_PHONE) == 0:
                row[-3:] = f"+8801{7 * 10**8 + number}", ABOUT_TEXTS[len(known) % len(ABOUT_TEXTS)], zone
            known.append(row)
            writer.writerow(row)
            _remember(made, row)
    made.text = lines.getvalue()
    return made


def _row(chance: random.Random, number: int, address: str) -> list[str]:
    draw = chance.random()
    consent = "" if draw < SILENT else "no" if draw < SILENT + REFUSED else "yes"
    return [
        address,
        chance.choice(FIRST),
        chance.choice(LAST),
        f"C-{number:06d}",
        chance.choice(CITIES),
        str(chance.randrange(100)),
        consent,
        chance.choice(("en", "bn", "de")),
        "",
        "",
        "",
    ]


def _address(chance: random.Random, number: int) -> str:
    draw = chance.random()
    kind = "bounce" if draw < BOUNCING else "complaint" if draw < BOUNCING + COMPLAINING else "customer"
    return f"{kind}{number}@people.example.com"


def _remember(made: File, row: list[str]) -> None:
    address, engagement, consent = row[0].lower(), int(row[5]), row[6]
    made.contacts.add(address)
    if engagement >= ENGAGED:
        made.engaged.add(address)
        if consent == "yes":
            made.eligible.add(address)
    if row[9] == "yes":
        made.texted.add(row[8])
