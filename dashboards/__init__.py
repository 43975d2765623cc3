"""What operators see: figures, texts and numbers in two languages, and the static report.

Here: reading the marts of the lake and showing them.
Not here: what a table holds (``sql/``).
"""
