"""How one test is judged: against stored runs, or by a duet with a base."""
