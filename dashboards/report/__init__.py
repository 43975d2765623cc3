"""The report: one day of a shop as a single self-contained HTML file.

Here: reading the tables (``queries``), the sections of the day itself as blocks (``overview``, ``entrances``), the page
(``page``), the file (``write``).
Not here: customers and products (``dashboards.sections``), the charts (``dashboards.figures``), the command
(``dashboards.report.file``).
"""
