"""Customers: contacts whose profile another system of the tenant's keeps, the Customer Experience System of
integration-guide.md. A customer's id there is the contact's external id here.

    connecting    the tenant's connection: where the system is, its token, who may tell us of changes
    profiles      what the system says of a customer, and what that means for a contact (pure)
    client        its API: one profile, or many in one request
    wanting       somebody names a customer whom we do not have
    fetching      what becomes of it: profiles are read, in batches, until the system answers
    arriving      its events on the bus
    meaning       the values that a contact has from what was told
    applying      what was told becomes the contact's: once, and never over what was told later
"""
