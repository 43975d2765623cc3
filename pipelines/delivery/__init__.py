"""Sending messages to people: their addresses, the outbox, one attempt, attempts that are due.

Not here: which messages there are and what they say (``dashboards.alerts``).
"""
