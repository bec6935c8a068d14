"""Sends: who gets a message, in which chunk, and what became of each. The ledger of DESIGN section 5."""
