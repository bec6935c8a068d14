"""What functions of journeys that work in the background touch, named once."""

from drumbeat.accounts.model import Tenant
from drumbeat.activity.model import RollUp, Timeline
from drumbeat.contacts.model import Contact
from drumbeat.deliverability.claims import Claim
from drumbeat.deliverability.model import Identity
from drumbeat.journeys.enrolments import Enrolment
from drumbeat.journeys.entries import Entry
from drumbeat.journeys.model import Journey, JourneyVersion
from drumbeat.journeys.sending import DailySend
from drumbeat.journeys.wakes import Wake
from drumbeat.products.model import Product
from drumbeat.providers.model import ProviderAccount
from drumbeat.segments.model import Member
from drumbeat.sends.environment import Environment
from drumbeat.sends.model import Chunk, Content, Send, SendKey, Stat
from drumbeat.sends.senders import Sender
from drumbeat.templates.blocks import Block
from drumbeat.templates.model import Template

# Letting contacts enter.
ENTERS_READS = (Tenant, Journey, JourneyVersion)
ENTERS = (Entry, Wake)
ENROLS = (*ENTERS, Enrolment)
# What a walk may ask about a contact.
LOOKS = (Contact, RollUp, Timeline, Member, Stat)
# Handing messages over to `sends`.
HANDS_OVER_READS = (Block, Claim, Environment, Identity, Product, ProviderAccount)
HANDS_OVER = (Chunk, Content, DailySend, Send, SendKey, Sender, Template)
CALLS = ("ses:GetAccount",)
