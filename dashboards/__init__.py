"""What operators see: figures, texts and numbers in two languages, and the static report.

Here: reading the tables of the lake and showing them.
Not here: how a table is computed (``sql/``).
"""
