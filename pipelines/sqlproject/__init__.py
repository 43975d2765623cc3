"""The SQL project: the files of models and checks, validated against their headers.

Here: reading the files (``model``), putting parameters into the syntax tree (``parameters``), dependencies (``reads``,
``project``), declared columns (``contracts``), column lineage (``lineage``), and the linter for the SQL on which DuckDB
and Spark agree (``linter``). Not here: running a model on data (``pipelines.compute.runner``).
"""
