"""Forgetting a person: erasing everything that a home has about one user.

``person`` finds the ids; ``landing`` rewrites the landing files that Headwater wrote, ``raw`` the raw files; ``traces``
removes the ids from records, logs and results; ``search`` proves that nothing is left.
Not here: refusing the person's records in later files (``pipelines.ingest.forgotten``), the order of the steps and
computing the tables again (``pipelines.commands.forget``).
"""
