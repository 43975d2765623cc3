"""Figures: pure functions, a frame in, a figure out.

Here: what a chart shows and how. A function takes a Frame with columns of the tables and a Locale, nothing else.
Not here: queries, pages.
"""
