"""The rules of the SQL linter, a small class for each rule.

Here: a module for each subject (``shape``, ``times``, ``numbers``, ``texts``, ``lists``, ``functions``), and the base
class with predicates on types (``base``).
Not here: running the rules over a query (``pipelines.sqlproject.linter``).
"""
