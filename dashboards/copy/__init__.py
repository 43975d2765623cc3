"""The copy of the lake that people read: one DuckDB file, replaced as a whole after a run.

Not here: the queries of people (``dashboards.workbench``), the pages (``dashboards.app``).
"""
