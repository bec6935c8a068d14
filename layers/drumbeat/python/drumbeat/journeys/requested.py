"""What requests about journeys touch, named once."""

from drumbeat.accounts.model import Tenant
from drumbeat.activity.interest import Interest
from drumbeat.counts import Count
from drumbeat.deliverability.claims import Claim
from drumbeat.deliverability.model import Identity
from drumbeat.journeys.entries import Entry
from drumbeat.journeys.model import Journey, JourneyVersion
from drumbeat.journeys.sending import DailySend
from drumbeat.products.model import Product
from drumbeat.providers.model import ProviderAccount
from drumbeat.segments.model import Definitions, Segment
from drumbeat.sends.model import Chunk, Stat
from drumbeat.slugs import Slug
from drumbeat.templates.blocks import Block
from drumbeat.templates.model import Template

# Making and changing a draft.
DRAFTS = (Journey, Count, Slug)
# Looking up what a draft names, before it is published.
REFERS = (Tenant, Template, Block, Product, Segment, Definitions, Slug, Identity, Claim, ProviderAccount)
PUBLISHES = (Journey, JourneyVersion, Interest)
# Stopping what is on its way, and letting it go on.
STOPS = (Slug, DailySend)
# Showing where a contact is.
SHOWS = (Journey, Entry, Slug, Chunk, Stat)
