"""The Dagster layer: the assets, when they run, what a run records, and the engine that runs them.

Only this package imports Dagster. Not here: queries (``sql/``), how they are computed (``pipelines.compute``).
"""
