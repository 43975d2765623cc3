"""The collector: receives events over HTTP and writes them to the landing folder.

Here: the HTTP endpoint, the tracker that it serves (``static/hw.js``), the demo shop (``shop/``).
Not here: validation of the events, which ingestion does (``pipelines.ingest``); gunicorn and connections
(``pipelines.web``).
"""
