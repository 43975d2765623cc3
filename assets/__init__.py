"""The Dagster layer: the assets, when they run, what is recorded of a run, and the engine that runs them.

Nothing below imports Dagster. Not here: queries (``sql/``), how they are computed (``pipelines.compute``).
"""
