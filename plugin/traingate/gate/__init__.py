"""Decide from numbers alone: statistics, policy, verdict, counters, limits. Does no I/O."""
