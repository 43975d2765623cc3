"""Touch models that need more than SQL: Markov removal effects and Shapley values of touchpoints.

A *path* is the list of touchpoints before an order. A path without an order is a *non-conversion*. Here: ``markov``
(how many conversions would be lost without a touchpoint), ``shapley`` (a touchpoint's fair share in two games),
``resampling`` (how much both would differ in another sample of shoppers) and ``tables`` (the Python steps, from frame
to frame).
Not here: what a touch or a path is and how paths are counted (``sql/attribution/``), and the credit for single orders.

A path's text joins its touchpoints by `` > ``, so a touchpoint's name may contain anything else.
"""
