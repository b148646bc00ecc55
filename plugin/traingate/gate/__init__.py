"""Decide by pure functions: statistics, policy, decision, counters, limits, power. No I/O."""
