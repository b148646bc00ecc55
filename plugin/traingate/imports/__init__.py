"""Tell where modules come from, and import modules that no search path leads to."""
