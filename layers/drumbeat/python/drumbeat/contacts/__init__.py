"""People: their addresses, consent, attributes, suppressions and imports."""
