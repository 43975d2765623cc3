"""What the shop plans: the pace of its targets.

Here: computing. Not here: the files (``pipelines.config_tables``), pages (``dashboards.app.pages``).
"""
