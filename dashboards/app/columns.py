"""Columns of the app's tables: those of every table.

Here: nothing of its own.
Not here: ``dashboards.columns``.
"""

from __future__ import annotations

from dashboards.columns import change, definition, exact, metric, text, with_changes

__all__ = ["change", "definition", "exact", "metric", "text", "with_changes"]
