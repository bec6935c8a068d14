"""What every product keeps to."""

PREFIX = "prd"
# A hundred products go into one transaction, which takes 4 MB.
MOST_BYTES = 32_000
