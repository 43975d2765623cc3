"""The Dagster layer: which assets there are, when they run, what Dagster is told of a run, and the engine of a run.

Nothing below imports Dagster. Not here: queries (``sql/``), how they are computed (``pipelines.compute``).
"""
