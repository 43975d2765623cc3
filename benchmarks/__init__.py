"""Speed benchmarks (`make bench`). Each job is compared with a job that does only the minimum, its limit."""
