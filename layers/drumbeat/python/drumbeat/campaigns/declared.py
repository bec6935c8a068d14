"""What functions that make or launch campaigns touch, named once."""

from drumbeat.campaigns.model import Campaign
from drumbeat.counts import Count
from drumbeat.segments import changes
from drumbeat.segments.model import Definitions, Segment
from drumbeat.sends.model import Content, Send, SendKey
from drumbeat.sends.senders import Sender
from drumbeat.slugs import Slug
from drumbeat.templates.model import Template

# Looking up what a campaign refers to.
REFERS = (Campaign, Template, Segment, Definitions, Slug, Count)
# What a launch writes besides the campaign.
LAUNCHES = (Send, Content, SendKey, Sender, Template, *changes.WRITES)
