"""What operators see: figures, texts and numbers in two languages, and the static report.

Here: reading the marts of the lake and showing them. It uses ``pipelines``, which, save ``pipelines.report``, never
uses it.
Not here: what a table holds (``sql/``).
"""
