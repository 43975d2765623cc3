"""Speed benchmarks, each compared with a limit: `make bench`."""
