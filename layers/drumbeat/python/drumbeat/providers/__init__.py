"""Accounts at providers: which one carries a tenant's messages, and with which secrets."""

from drumbeat.providers.lookup import CALLS, READS, NoAccount, account, chosen, forget, listed, of, reporting

__all__ = ["CALLS", "READS", "NoAccount", "account", "chosen", "forget", "listed", "of", "reporting"]
