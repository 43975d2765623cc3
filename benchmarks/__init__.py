"""The speed figures, each beside its limit: `make bench`."""
