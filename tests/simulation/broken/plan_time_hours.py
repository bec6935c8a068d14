"""Broken on purpose: looks at quiet hours once, for the time of the launch. What is late leaves in the night."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from drumbeat.contacts.model import Contact
from drumbeat.sends.model import Chunk, Send
from drumbeat.sends.moment import looking
from drumbeat.sends.moment.looking import Look

from tests.simulation import edge


@contextmanager
def broken() -> Iterator[None]:
    """Recipients are looked at as of the launch, however late it is."""
    real = looking.look

    def look(send: Send, chunk: Chunk, number: int, person: Contact, now: datetime) -> Look:
        found = real(send, chunk, number, person, send.launched_at)
        return looking.NOW if found.until and found.until <= now else found

    with edge.instead(looking, look=look):
        yield
