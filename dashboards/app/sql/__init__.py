"""The SQL page: an editor, results, and help to write a query.

``page`` makes the blocks, ``callbacks`` runs queries. Results are kept for an hour (``results``) under a key in the
URL, so that page, file and chart show the same result.
"""
