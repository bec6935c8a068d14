"""Reports over campaigns: side by side, against targets, and ranked."""
