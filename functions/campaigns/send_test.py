"""Send tests of a campaign. They are not counted; who is suppressed or has opted out gets none."""

from drumbeat import channels, providers
from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import model, testing
from drumbeat.campaigns.declared import REFERS
from drumbeat.campaigns.testing import TestResult
from drumbeat.campaigns.views import TestMail
from drumbeat.contacts.model import WRITES as CONTACTS
from drumbeat.contacts.suppressions import Suppression
from drumbeat.http import Request, http


@http(
    "POST /v1/campaigns/{campaign_id}/test",
    scope="campaigns:send",
    reads=(Tenant, Suppression, *REFERS),
    writes=CONTACTS,
    calls=(*channels.calls(), *providers.CALLS),
    memory=512,
    timeout=25,
)
def handler(request: Request, campaign_id: str, body: TestMail) -> list[TestResult]:
    """409 `RESTORED_COPY` until restored data is adopted; 422 `CAMPAIGN_NOT_READY` with what is missing; 503 when the
    provider does not take it."""
    campaign = model.get(request.tenant, campaign_id)
    return testing.send(campaign, body, request.now)
