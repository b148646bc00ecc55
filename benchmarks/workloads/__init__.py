"""Workloads of the suite: models and their synthetic data."""
