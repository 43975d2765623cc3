"""Figures: pure functions, a frame in, a figure out.

Here: what a chart shows and how. Each takes a Frame with columns of the tables and a Locale, and needs nothing else.
Not here: queries, pages.
"""
