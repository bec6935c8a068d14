"""Products: what a tenant sells, as mails show it."""
