"""Raw: what landed, as it landed, in the canonical columns; and the tables that operators edit.

Here: the assets of the schemas `raw` and `config`. Sources are in sql/sources/, reading them in pipelines/ingest/.
"""

from pipelines.ingest_assets import raw_assets

raw = raw_assets
