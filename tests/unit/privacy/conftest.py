"""A tenant with contacts, campaigns and a provider that really answers."""

from tests.unit.campaigns.conftest import mails, shop

__all__ = ["mails", "shop"]
