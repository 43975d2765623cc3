"""What is watched: alerts and subscriptions as configured, the rules, and what was found last.

Here: everything about alerts that pages show.
Not here: evaluating and sending them (``dashboards.alerts``), delivering messages (``pipelines.delivery``).
"""
