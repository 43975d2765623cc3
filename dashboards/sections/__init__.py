"""What there is to say of customers and products as of a day, for the report and for the web app alike.

Here: a module a subject, from a ``Reading`` to blocks (``dashboards.blocks``).
Not here: how blocks are shown (``dashboards.report``, ``dashboards.app``), how a chart looks (``dashboards.figures``).
"""
