"""How Headwater runs: settings, lake, SQL project, ingestion, planning, definitions, command line.

Not here: what Dagster knows about the tables (``assets``, which only ``pipelines.commands`` imports), how each table is
computed (``sql/``).
"""
