"""Go on with imports whose machine is gone, and ask the customer system again for those whom it did not tell."""

from datetime import datetime

from drumbeat.contacts.customers import fetching
from drumbeat.contacts.customers.model import CUSTOMERS, Customer
from drumbeat.contacts.imports import sweeping
from drumbeat.contacts.imports.model import IMPORT, Import
from drumbeat.schedule import schedule


@schedule("rate(5 minutes)", writes=(Import, Customer), starts=(IMPORT,), sends=(CUSTOMERS,))
def handler(now: datetime) -> dict[str, int]:
    """How many of each. An import that is at work after all is not disturbed."""
    return {"imports": sweeping.sweep(), "customers": fetching.sweep()}
