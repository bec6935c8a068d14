"""The shop of the campaigns' tests, for what is above campaigns."""

from tests.unit.campaigns.conftest import mails, shop

__all__ = ["mails", "shop"]
