"""Records: validating the type and range of each value, and finding duplicates.

Not here: where accepted and refused records are written (``pipelines.ingest.raw``).
"""
