"""The report: one day of a shop as one HTML file that needs nothing else.

Here: reading the marts (``queries``), a section each (``overview``, ``entrances``, ``customers``, ``products``),
the page (``html``, ``page``), the file (``write``).
Not here: the charts (``dashboards.figures``), the command (``pipelines.report``).
"""
