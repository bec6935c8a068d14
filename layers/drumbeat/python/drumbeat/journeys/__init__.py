"""Journeys: a trigger, steps and a version; where each contact is, what happened to it and why (DESIGN section 6)."""
