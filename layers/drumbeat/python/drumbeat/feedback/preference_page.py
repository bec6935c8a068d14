"""The preference page: what a recipient gets, as a form without scripts, and after saving what is in force since when.

Everything has a label or a legend of its own. What was saved is said first, as a status, and has the focus, so that a
screen reader begins with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from html import escape

from drumbeat import clock
from drumbeat.accounts.categories import Category
from drumbeat.contacts import consent, preferences
from drumbeat.contacts.model import Contact
from drumbeat.contacts.views import CHANNELS, Channel
from drumbeat.feedback import choosing, dates, pages
from drumbeat.feedback.opt_outs import wants
from drumbeat.feedback.pages import MARK, Reader
from drumbeat.feedback.words import LANGUAGES


@dataclass(frozen=True, slots=True)
class Showing:
    """What the page is made from: its reader, the contact as it is, and the time of the answer (business time)."""

    to: Reader
    contact: Contact
    now: datetime

    @property
    def channels(self) -> list[Channel]:
        """Those that lead to the contact; e-mail is always asked about."""
        return [one for one in CHANNELS if one == "email" or consent.address_of(self.contact, one)]

    def day(self, moment: datetime) -> str:
        return dates.day(moment, dates.zone_of(self.contact, self.to.time_zone), self.to.language)

    def minute(self, moment: datetime) -> str:
        return dates.minute(moment, dates.zone_of(self.contact, self.to.time_zone), self.to.language)

    @property
    def paused_until(self) -> datetime | None:
        return preferences.paused_until(self.contact) if preferences.is_paused(self.contact, self.now) else None


def page(showing: Showing, *, saved: bool, more: str = "", action: str = "") -> str:
    """The choices as they are now; `more` is HTML that stands below them, `action` where they are sent (unless said,
    to where the page is)."""
    to = showing.to
    sent_to = f' action="{escape(action)}"' if action else ""
    asked = ["push"] if "push" in showing.channels else []
    asked += [choosing.PAUSE, *(f"{choosing.CATEGORY}{one.id}" for one in to.categories)]
    form = (
        f'<form method="post"{sent_to}>{_hidden(MARK, "1")}{_hidden(choosing.ASKS_TRACKING, "1")}'
        f"{_hidden(choosing.ASKS, ' '.join(asked))}"
        f"{_channels(showing)}{_categories(showing)}{_frequency(showing)}{_rest(showing)}"
        f'<button type="submit">{to.says("save")}</button></form>'
    )
    return pages.page(to, "preferences_title", (_in_force(showing) if saved else "") + form + more)


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{name}" value="{escape(value)}">'


def _box(name: str, text: str, on: bool, note: str = "") -> str:
    """A labelled box; a note belongs to the label."""
    small = f"<small>{note}</small>" if note else ""
    return (
        f'<label><input type="checkbox" name="{escape(name)}" value="on"{" checked" if on else ""}>'
        f"<span>{text}{small}</span></label>"
    )


def _group(legend: str, parts: Iterable[str]) -> str:
    return f"<fieldset><legend>{legend}</legend>{''.join(parts)}</fieldset>"


def _channels(showing: Showing) -> str:
    to, contact = showing.to, showing.contact
    legend = to.says("preferences_intro" if to.address else "preferences_intro_unknown")
    return _group(
        legend, [_box(one, to.says(one), wants(contact, one), _since(showing, one)) for one in showing.channels]
    )


def _since(showing: Showing, channel: Channel) -> str:
    """Since when the person has agreed, or not; nothing when they were never asked."""
    said = (showing.contact.consent or {}).get(channel) or {}
    if said.get("status") not in ("granted", "revoked"):
        return ""
    return showing.to.says(f"{said['status']}_since", since=showing.day(clock.parse(said["at"])))


def _categories(showing: Showing) -> str:
    to = showing.to
    boxes = [
        _box(f"{choosing.CATEGORY}{one.id}", _named(to, one), not preferences.refuses(showing.contact, one.id))
        for one in to.categories
    ]
    return _group(to.says("categories"), boxes) if boxes else ""


def _named(to: Reader, category: Category) -> str:
    return escape(category.named(to.language))


def _frequency(showing: Showing) -> str:
    chosen = preferences.view(showing.contact).frequency
    return _group(
        showing.to.says("frequency"),
        [
            f'<label><input type="radio" name="{choosing.FREQUENCY}" value="{one}"'
            f"{' checked' if one == chosen else ''}><span>{showing.to.says(one)}</span></label>"
            for one in preferences.FREQUENCIES
        ],
    )


def _rest(showing: Showing) -> str:
    to, until = showing.to, showing.paused_until
    pause = to.says("paused", until=showing.minute(until)) if until else to.says("pause")
    options = "".join(
        f'<option value="{tag}" lang="{tag}"{" selected" if tag == to.language else ""}>{name}</option>'
        for tag, name in LANGUAGES.items()
    )
    return _group(
        to.says("other_wishes"),
        [
            _box(choosing.PAUSE, pause, until is not None, to.says("still_comes")),
            _box(choosing.TRACKING, to.says("tracking"), showing.contact.tracking is not False),
            f'<label><span>{to.says("language")}</span><select name="{choosing.LANGUAGE}">{options}</select></label>',
        ],
    )


def _in_force(showing: Showing) -> str:
    """What is in force after saving, and since when. The focus goes to it: `autofocus` needs no script."""
    items = "".join(f"<li>{line}</li>" for line in _lines(showing))
    return (
        f'<div class="saved" role="status" tabindex="-1" autofocus><p>{showing.to.says("saved")}</p>'
        f"<ul>{items}</ul></div>"
    )


def _lines(showing: Showing) -> list[str]:
    to, held = showing.to, preferences.view(showing.contact)
    lines = []
    for channel in showing.channels:
        since = _since(showing, channel) or to.says("no")
        lines.append(f"{to.says(channel)}: {since}")
    if to.categories:
        wanted = [_named(to, one) for one in to.categories if one.id not in held.refused_categories]
        lines.append(f"{to.says('categories')} {', '.join(wanted) or to.says('none')}")
    lines.append(f"{to.says('frequency')} {to.says(held.frequency)}")
    if showing.paused_until:
        lines.append(to.says("paused", until=showing.minute(showing.paused_until)))
    if held.updated_at:
        lines.append(to.says("chosen_since", since=showing.minute(held.updated_at)))
    return lines
