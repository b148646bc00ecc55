"""Judge one test: by stored runs, or by a duet with a base."""
