"""Decide a race without measuring: its space, its estimates, what to measure next, its answer."""
