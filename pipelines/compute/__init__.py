"""Finds the stale partitions, computes and checks them, and publishes them to the lake; also runs read-only queries.

Not here: Dagster (``assets``), which records what this package does.
"""
