"""Records to text: verdicts, tables, progress."""
