"""Run one session of pytest that measures, from the requests of its tests to its summary."""

from traingate.session.session import ComparisonFactory, Session

__all__ = ["ComparisonFactory", "Session"]
