"""Customer lifetime value: how many orders a customer will make, and the value of each.

Here: two models, fitted by maximum likelihood on numpy arrays: ``purchases`` (BG/NBD: whether a customer is still
active, and the number of future orders) and ``spend`` (Gamma-Gamma: the value of an order). Both use ``fitting``.
A customer's future value is the product of the two, because the models assume that they are independent.
``tables`` puts the results into frames. Not here: reading orders and writing files.
"""
