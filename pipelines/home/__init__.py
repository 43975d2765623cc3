"""A home: its folder and lock, its settings, scratch space, and the one exception that users read.

Here: what every other room may use. Not here: tables of any kind.
"""
