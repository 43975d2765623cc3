"""Alerts and subscriptions: their settings, the rules of alerts, and the latest findings.

Here: everything about alerts that pages show.
Not here: evaluating and sending them (``dashboards.alerts``), delivering messages (``pipelines.delivery``).
"""
