"""Deliverability: whose mail it is, and whether it arrives. Sending identities, their DNS, warm-up and reputation."""
