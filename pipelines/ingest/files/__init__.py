"""Landed files: finding them, their formats, and reading their records with DuckDB.

Not here: whether a record is valid (``pipelines.ingest.records``).
"""
