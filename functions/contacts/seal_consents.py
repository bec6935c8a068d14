"""Seal what the ledgers of consent have recorded, so that nobody can take a part of them away unseen."""

from datetime import datetime

from drumbeat.accounts import tenants
from drumbeat.accounts.model import Tenant
from drumbeat.contacts import seals
from drumbeat.contacts.ledger import Entry
from drumbeat.contacts.seals import Seal
from drumbeat.logs import logger
from drumbeat.schedule import schedule


@schedule("rate(6 hours)", reads=(Tenant, Entry), writes=(Seal,), memory=512, timeout=840)
def handler(now: datetime) -> int:
    """How many seals were made. A run that ends early is continued by the next one."""
    made = 0
    for tenant in tenants.all_ids():
        for seal in seals.seal(tenant, now):
            logger.info("sealed", extra={"seal": f"{seal.pk}#{seal.sk}", "hash": seal.hash.hex()})
            made += 1
    return made
