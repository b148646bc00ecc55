"""Workloads of the benchmarks: models and their synthetic data."""
