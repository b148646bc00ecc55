"""Puts this folder on ``sys.path`` (pytest does that for a conftest): all tests share launches."""
