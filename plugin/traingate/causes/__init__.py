"""Explain a change between two sides by their phases and profiles. Pure, no I/O."""
