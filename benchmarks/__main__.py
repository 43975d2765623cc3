"""`make bench`; the jobs are in ``benchmarks.speed``, which the processes that run them can import."""

from benchmarks.speed import main

if __name__ == "__main__":
    main()
