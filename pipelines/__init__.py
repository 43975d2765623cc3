"""How Headwater runs: settings, lake, SQL project, ingestion, planning, definitions, command line.

What exists is in ``assets/``, how each table is computed in ``sql/``. Nothing here imports either, save
``assets.definitions``, which gathers the assets for Dagster.
"""
