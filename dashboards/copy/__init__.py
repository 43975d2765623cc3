"""The copy of the lake that the dashboards read: one DuckDB file, replaced after a run.

Not here: users' queries (``dashboards.workbench``), the pages (``dashboards.app``).
"""
