"""The page of SQL: an editor over the workbench, its results, and what helps to write a query.

``page`` says what is shown, ``callbacks`` runs queries; results are kept for an hour (``results``), so that an address
names a result, and a page, a file and a chart are of one and the same.
"""
