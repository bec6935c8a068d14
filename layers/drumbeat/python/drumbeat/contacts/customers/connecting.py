"""A tenant's connection to its customer system: the address among the settings, the token beside the other secrets."""

from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints

from drumbeat import table
from drumbeat.accounts import settings
from drumbeat.accounts.customer_system import CustomerSystem
from drumbeat.accounts.model import Tenant
from drumbeat.contacts.customers import arriving
from drumbeat.contacts.customers.client import KEPT_AS
from drumbeat.egress import addresses
from drumbeat.errors import Invalid, NotFound
from drumbeat.fields import Body, View
from drumbeat.providers import secrets
from drumbeat.providers.views import Secret

CALLS = secrets.WRITES
WRITES = (Tenant,)
_NONE = "There is no customer system. Connect one with PUT /v1/customer-system."


def _base(url: str) -> str:
    """The address to which paths are added. Raises ValueError."""
    asked = addresses.allowed(url.strip())
    if "?" in asked:
        raise ValueError("must not have a query (?…)")
    return asked.rstrip("/")


class NewCustomerSystem(Body):
    """Where the system's API is (its documented paths, `/api/v1/customers/…`, are added), and its token, sent as
    `Authorization: Bearer`. A change may leave the token out. Its events are taken from the AWS account
    `events_account`; without one they are not taken."""

    base_url: Annotated[str, AfterValidator(_base)]
    token: Secret | None = None
    events_account: Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")] | None = None


class CustomerSystemView(View):
    """The connection. Its events are put on the bus `drumbeat` with the source `event_source`, in the account and
    region of this deployment. The token is never shown again."""

    base_url: str
    events_account: str | None
    event_source: str
    event_types: list[str]


def connect(tenant: str, wanted: NewCustomerSystem) -> CustomerSystemView:
    """Raises Invalid when there is no token yet, and Unavailable. The token is written first: whatever stops in
    between, no connection is without one."""
    held = settings.fresh(tenant).customer_system
    if wanted.token is None and held is None:
        raise Invalid.field("token", "is needed to connect a customer system")
    version = held.secrets_version if held else 0
    if wanted.token is not None:
        version = secrets.put(tenant, KEPT_AS, {"token": wanted.token})
    made = CustomerSystem(
        base_url=wanted.base_url, events_account=wanted.events_account, secrets_version=version
    )  # fmt: skip
    _keep(tenant, made)
    return _view(tenant, made)


def disconnect(tenant: str) -> None:
    """Ask it no more, and take none of its events. Contacts stay. Raises NotFound and Unavailable."""
    if settings.fresh(tenant).customer_system is None:
        raise NotFound(_NONE)
    _keep(tenant, None)
    secrets.delete(tenant, KEPT_AS)


def shown(tenant: str) -> CustomerSystemView:
    """Raises NotFound."""
    held = settings.fresh(tenant).customer_system
    if held is None:
        raise NotFound(_NONE)
    return _view(tenant, held)


def _view(tenant: str, system: CustomerSystem) -> CustomerSystemView:
    return CustomerSystemView(
        base_url=system.base_url, events_account=system.events_account, event_source=f"{arriving.SOURCE}{tenant}",
        event_types=list(arriving.TYPES),
    )  # fmt: skip


def _keep(tenant: str, system: CustomerSystem | None) -> None:
    def merged() -> Tenant:
        row = settings.stored(tenant)
        values: dict[str, Any] = {**(row.settings or {}), "customer_system": system and system.model_dump()}
        row.change(
            Tenant.settings.set({name: value for name, value in values.items() if value is not None}), unchanged=True
        )
        return row

    table.retried(merged)
    settings.forget()
