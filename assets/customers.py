"""Customers: who they are by recency, frequency and money, where they move, what becomes of them.

Here: the assets of schema `customers`. The queries are in sql/customers/, how they run is pipelines/sql_assets.py.
"""

from pipelines.automation import by_morning
from pipelines.sql_assets import sql_assets

customers = sql_assets("customers", freshness=by_morning)
