"""Campaigns: what a marketer plans, launches, pauses and reads results of."""
