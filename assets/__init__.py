"""What exists: Dagster assets, one thin module a schema.

Here: which schemas there are, and what an operator may expect of them. Queries are in ``sql/``, how they run in
``pipelines``.
"""
