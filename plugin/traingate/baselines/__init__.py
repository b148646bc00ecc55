"""Runs that pytest-benchmark saved: read them, find a baseline, and check that it is comparable."""
