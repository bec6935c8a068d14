"""What people did: events, the timeline, roll-ups by day, and the facts kept from purchases."""
