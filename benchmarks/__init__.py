"""Speed benchmarks (`make bench`). Each job is compared with its limit, a job that shows how fast it could be."""
