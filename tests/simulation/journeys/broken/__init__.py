"""Journeys that are broken on purpose: each must be caught by a promise."""
