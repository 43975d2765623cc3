"""What is declared: a source's files and relations, the targets, and the SELECT from one to the other.

Not here: the landed files.
"""
