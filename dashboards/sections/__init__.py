"""The sections on customers and products as of a day, shared by the report and the web app.

Here: a module per subject, from a ``Reading`` to blocks (``dashboards.blocks``).
Not here: how blocks are shown (``dashboards.report``, ``dashboards.app``), how a chart looks (``dashboards.figures``).
"""
