"""What users see, in Chinese and English: the web app with its SQL workbench, and the static report.

Here: reading the tables of the lake and showing them.
Not here: how a table is computed (``sql/``).
"""
