"""The SQL project: models and checks as files, held to their contracts.

Here: reading the files (``model``), putting parameters into the syntax tree (``parameters``), dependencies and
contracts (``project``), column lineage (``lineage``) and the linter for the subset that DuckDB and Spark agree
on (``linter``). Nothing here runs a model on data: that is ``pipelines.compute.runner``.
"""
