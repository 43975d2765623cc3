"""Products: their figures over trailing windows, the matrices that sort them, how they move, how the portfolio fares.

Here: the assets of schema `products`. The queries are in sql/products/, how they run is pipelines/sql_assets.py.
"""

from pipelines.automation import by_morning
from pipelines.sql_assets import sql_assets

products = sql_assets("products", freshness=by_morning)
