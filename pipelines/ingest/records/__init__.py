"""Records: the type and range of each value, and which records are duplicates.

Not here: where accepted and refused records are written (``pipelines.ingest.raw``).
"""
