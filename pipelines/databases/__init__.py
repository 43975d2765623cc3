"""Loading tables of databases into landing files.

Not here: reading landing files (``pipelines.ingest``), when tables are loaded (``assets.loading``).
"""
