"""Show a send: how far it is, what became of its recipients, what is in doubt, and what holds it up."""

from drumbeat.deliverability.model import Identity
from drumbeat.http import ANALYTICS, Request, http
from drumbeat.sends import showing
from drumbeat.sends.environment import Environment
from drumbeat.sends.model import Chunk, Send, Stat
from drumbeat.sends.quotas import Quota
from drumbeat.sends.senders import Sender
from drumbeat.sends.totals import Totals
from drumbeat.sends.views import SendView


@http(
    "GET /v1/sends/{send_id}",
    scope="campaigns:read",
    limit=ANALYTICS,
    reads=(Send, Chunk, Stat, Sender, Environment, Quota, Identity),
    writes=(Totals,),
)
def handler(request: Request, send_id: str) -> SendView:
    """404 for an unknown send. A campaign that was launched tells its `send_id`."""
    return showing.shown(request.tenant, send_id, request.now)
