"""Landed files: which there are, how each is written, and its records as DuckDB reads them.

Not here: whether a record is valid (``pipelines.ingest.records``).
"""
