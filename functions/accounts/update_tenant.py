"""Change a tenant's name and rate limits, or suspend it."""

from drumbeat import access
from drumbeat.accounts import tenants
from drumbeat.accounts.model import Tenant
from drumbeat.accounts.tenants import TenantChange, TenantView
from drumbeat.operator import operator


@operator(writes=(Tenant,))
def handler(wanted: TenantChange) -> TenantView:
    """`NOT_FOUND` when there is no such tenant. Credentials of an inactive tenant are refused within a minute."""
    changed = tenants.change(wanted)
    access.forget()
    return changed
