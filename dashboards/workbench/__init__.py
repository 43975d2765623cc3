"""The SQL workbench: queries of people who must not be able to harm anything.

A query goes through ``gate`` (is it one that only reads?), runs in a process of its own (``confined``, ``worker``) on a
copy of the lake (``dashboards.copy``), and is logged (``log``). Each of these protects by itself where another fails.
"""
