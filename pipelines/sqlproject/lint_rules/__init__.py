"""The rules of the SQL linter, one small class a rule.

Here: one module a subject (``shape``, ``times``, ``numbers``, ``texts``, ``lists``, ``functions``) over what a
rule is and how types are asked for (``base``).
Not here: running the rules over a query (``pipelines.sqlproject.linter``).
"""
