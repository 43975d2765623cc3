"""Compute: decides which partitions are stale, computes and checks them, publishes them to the lake; read-only queries.

Not here: Dagster (``assets``), which records what this package does.
"""
