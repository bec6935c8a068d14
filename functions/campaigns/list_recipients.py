"""List the recipients of a campaign: who was sent, who was not, and why."""

from drumbeat.campaigns import model, recipients
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.recipients import RecipientView
from drumbeat.campaigns.views import RecipientQuery
from drumbeat.contacts.model import Contact
from drumbeat.fields import Page
from drumbeat.http import ANALYTICS, Request, http
from drumbeat.sends.model import Chunk, Send, Stat
from drumbeat.slugs import Slug


@http(
    "GET /v1/campaigns/{campaign_id}/recipients",
    scope="campaigns:read",
    limit=ANALYTICS,
    reads=(Campaign, Slug, Contact, Send, Chunk, Stat),
)
def handler(request: Request, campaign_id: str, query: RecipientQuery) -> Page[RecipientView]:
    """404 for an unknown campaign."""
    return recipients.page(model.get(request.tenant, campaign_id), query)
