"""Customer lifetime value: how often a customer will order, and for how much an order.

Here: two models that are fitted by maximum likelihood on numpy arrays: ``purchases`` (BG/NBD: whether a customer is
still one, and the orders to come) and ``spend`` (Gamma-Gamma: the value of an order); ``fitting`` is what they share.
The value to come of a customer is the product of the two, for the models take orders and values as independent.
Not here: reading orders and writing tables.
"""
