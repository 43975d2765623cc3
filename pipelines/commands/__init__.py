"""The commands: what is typed after ``headwater``, what it prints, how it stops.

Not here: the work itself.
"""
