"""Figures: pure functions, a frame in, a figure out.

Here: what a chart shows and how. Each takes a Frame of the marts' columns and a Look, and needs nothing else.
Not here: queries, pages.
"""
