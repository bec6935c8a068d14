"""Marketing campaigns: what a company wants to reach, on which channels, with what budget."""
