"""Core: events, orders, refunds and products, cleaned, each business record once.

Here: the assets of schema `core`. The queries are in sql/core/, how they run is pipelines/sql_assets.py.
"""

from pipelines.sql_assets import sql_assets

core = sql_assets("core")
