"""``lake/raw``: writing accepted and refused records, finding outdated batches, and finding drift from day to day.

Not here: the manifest (``pipelines.ingest.batches``).
"""
