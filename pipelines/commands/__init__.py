"""The commands of ``headwater``: their options, their output, and stopping them.

Not here: the work itself.
"""
