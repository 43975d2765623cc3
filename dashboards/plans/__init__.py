"""What the shop plans: the pace of its targets, the occasions of its calendar.

Here: computing them. Not here: the files (``pipelines.config_tables``), pages (``dashboards.app.pages``).
"""
