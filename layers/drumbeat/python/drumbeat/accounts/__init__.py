"""Tenants, their settings, users and API keys."""
