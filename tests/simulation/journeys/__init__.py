"""Journeys on bad days: their real code on the simulation's table, queues, machines and provider, for weeks."""
