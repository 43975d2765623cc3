"""The lake: partitions in Parquet files, their checksums, and the DuckDB sessions that read and write them.

Not here: what a table means, or which partition is stale (``pipelines.compute``).
"""
