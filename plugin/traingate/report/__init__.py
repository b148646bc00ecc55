"""Show records as text: verdicts, tables, progress."""
