"""The SQL workbench: runs users' queries so that they cannot do any harm.

A query passes ``gate`` (does it only read?), runs in its own process (``confined``, ``worker``) on the copy of the
lake (``dashboards.copy``), and is logged (``log``). Each layer protects on its own if another one fails.
"""
