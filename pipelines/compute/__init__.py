"""Compute: which partitions are stale, computing and checking them, publishing them to the lake; reading them.

Not here: Dagster (``assets``), which only records what is done here.
"""
