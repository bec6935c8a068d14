"""Segments: who belongs to a group of contacts, and why."""
