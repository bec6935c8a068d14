"""What functions that make or launch campaigns touch, named once."""

from drumbeat.campaigns import budgets
from drumbeat.campaigns.model import Campaign
from drumbeat.counts import Count
from drumbeat.deliverability.claims import Claim
from drumbeat.deliverability.model import Identity
from drumbeat.marketing.model import MarketingCampaign
from drumbeat.products.model import Product
from drumbeat.providers.model import ProviderAccount
from drumbeat.segments import changes
from drumbeat.segments.model import Definitions, Segment
from drumbeat.sends.environment import Environment
from drumbeat.sends.model import Content, Send, SendKey
from drumbeat.sends.senders import Sender
from drumbeat.slugs import Slug
from drumbeat.templates.blocks import Block
from drumbeat.templates.model import Template

# Looking up what a campaign refers to.
REFERS = (
    Campaign, MarketingCampaign, Template, Block, Product, Segment, Definitions, Slug, Count, Identity, Claim,
    Environment, ProviderAccount, *budgets.READS,
)  # fmt: skip
# What a launch writes besides the campaign.
LAUNCHES = (Send, Content, SendKey, Sender, Template, MarketingCampaign, *changes.WRITES)
