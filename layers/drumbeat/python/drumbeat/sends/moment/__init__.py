"""The right moment: when somebody may be written to, and how often. Asked when a chunk is claimed."""
