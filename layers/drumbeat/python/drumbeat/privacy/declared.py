"""What functions of this context declare that start or carry out requests."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns.model import Campaign
from drumbeat.privacy import erasing, holdings
from drumbeat.privacy.model import PrivacyRequest
from drumbeat.segments.model import Definitions, Segment
from drumbeat.sends.model import Send
from drumbeat.table import Entity

Entities = tuple[type[Entity], ...]
READS: Entities = (*holdings.CARRIED, Tenant, Campaign, Send, Segment, Definitions)
WRITES: Entities = erasing.WRITES
# The background erases whatever is held.
WORK: Entities = (*holdings.CARRIED, PrivacyRequest)
