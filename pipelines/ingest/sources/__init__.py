"""Declarations: the files and relations of a source, the targets, and the SELECTs from relations to targets.

Not here: landed files (``pipelines.ingest.files``).
"""
