"""``lake/raw``: writing accepted and refused records, which of it is outdated, and how it drifts from day to day.

Not here: the manifest of each batch (``pipelines.ingest.batches``).
"""
