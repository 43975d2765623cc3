"""Report: the newest day as an HTML file for people.

Here: the asset `report`. What it says is in dashboards/report/, how it runs in pipelines/report_assets.py.
"""

from pipelines.report_assets import report_asset

report = report_asset
