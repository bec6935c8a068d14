"""`make demo`: from a file of contacts to the results of a campaign, held against what the provider's simulator saw."""
