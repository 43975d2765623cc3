"""Pages as PDF and PNG, drawn by a headless Chromium that this program starts.

Here: the browser's process and its protocol (``chromium``), loading a page and taking its picture (``pages``).
Not here: the pages (``dashboards.app``), who may ask for one (``dashboards.app.page_files``).
"""
