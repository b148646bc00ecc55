"""Read the runs that pytest-benchmark saved, find a baseline, and check that it is comparable."""
