"""Touch models that need more than SQL: Markov removal effects and Shapley values of touchpoints.

A *path* is the list of touchpoints before an order, or before nothing: then it is a *non-conversion*. Here: ``markov``
(how many conversions would be lost without a touchpoint), ``shapley`` (a touchpoint's fair share in two games),
``resampling`` (how much both would differ with other shoppers) and ``tables`` (the Python steps, from frame to frame).
Not here: what a touch or a path is and how paths are counted (``sql/attribution/``), and credit of single orders.

A path's text joins its touchpoints by `` > ``, so a touchpoint's name may contain anything else.
"""
