"""Make a tenant, its first API key and an invitation for its administrator."""

from drumbeat import clock
from drumbeat.accounts import tenants
from drumbeat.accounts.model import ApiKey, Invite, Login, Sequence, Tenant, User
from drumbeat.accounts.tenants import CreatedTenant, NewTenant
from drumbeat.operator import operator
from drumbeat.slugs import Slug


@operator(writes=(Tenant, ApiKey, User, Login, Invite, Sequence, Slug))
def handler(wanted: NewTenant) -> CreatedTenant:
    """`SLUG_TAKEN` when another tenant has this name, `EMAIL_TAKEN` when the administrator's address is a user's.

    With a `tenant_id` that exists, that tenant is the answer, without the key that was shown when it was made.
    """
    return tenants.create(wanted, clock.business())
