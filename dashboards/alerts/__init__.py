"""Evaluating alerts and subscriptions, and writing their messages into the outbox.

Here: which alerts and subscriptions are due at a moment, and their messages.
Not here: the rules and the settings (``dashboards.app.watch``), delivering messages (``pipelines.delivery``), when it
runs (``assets.alerts``).
"""
