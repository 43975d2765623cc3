"""The SQL workbench: queries of people who must not be able to harm anything.

A query goes through ``gate`` (is it one that only reads?), runs in a process of its own (``confined``, ``worker``) on a
copy of the marts (``snapshot``), and is written down (``log``). Each of these holds by itself where another fails.
"""
