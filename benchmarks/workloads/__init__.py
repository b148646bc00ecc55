"""The models that the suite trains, on synthetic data."""
