"""Profile further steps of a training, after all steps that are timed."""
