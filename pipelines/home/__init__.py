"""A home: its folder and lock, its settings, scratch space, and the only exception that users read.

Every other package may use this one. Not here: tables of any kind.
"""
