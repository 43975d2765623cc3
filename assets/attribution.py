"""Attribution: which entrance, slot and path each exposure, click, cart and sale came from.

Here: the assets of schema `attribution`. The queries are in sql/attribution/, how they run is pipelines/sql_assets.py.
"""

from pipelines.automation import by_morning
from pipelines.sql_assets import sql_assets

attribution = sql_assets("attribution", freshness=by_morning)
