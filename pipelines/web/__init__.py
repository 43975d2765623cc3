"""The HTTP server below the dashboards and the collector.

Here: gunicorn with our worker, what a request's addresses and origin are, trusted proxies.
Not here: what is answered (``dashboards``, ``pipelines.collector``).
"""
