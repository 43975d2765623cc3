"""Evaluating alerts and subscriptions, and writing their messages into the outbox.

Here: what is due at a moment, and the messages.
Not here: the rules and the settings (``dashboards.app.watch``), delivering messages (``pipelines.delivery``), when it
runs (``assets.alerts``).
"""
