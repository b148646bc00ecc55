"""Start child processes, interleave their steps, enforce time limits, and end them."""
