"""Verify that a tenant's ledger of consent is whole, and name the first entry that is not."""

from drumbeat.contacts import verifying
from drumbeat.contacts.verifying import Verification, Verified
from drumbeat.operator import operator


@operator(reads=verifying.READS, memory=512, timeout=60)
def handler(wanted: Verification) -> Verified:
    """One slice of at most 20 seconds; ask again with its `cursor` until there is none. `VALIDATION_ERROR` for what is
    no seal. `python -m infra.consents` does it all."""
    return verifying.verify(wanted)
