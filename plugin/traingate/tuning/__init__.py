"""Race the stacks of one test: find what can run here, measure heats, save the record."""
