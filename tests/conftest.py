"""Mark the tests that time something: these must not run beside others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

TIMED_FOLDERS = {"plugin", "process", "validity"}
TIMED_FILES = {"test_duet.py", "test_phases.py"}
HALVES = {"timed", "not timed"}
"""Mark expressions of the two runs that tox.ini divides the tests into."""


def pytest_configure():
    """Hide xdist's worker from the sessions that tests start: pytest-benchmark reads its name."""
    os.environ.pop("PYTEST_XDIST_WORKER", None)


@pytest.hookimpl(tryfirst=True)  # before -m selects by the marks
def pytest_collection_modifyitems(items):
    for item in items:
        path = item.path.relative_to(Path(__file__).parent)
        if path.parts[0] in TIMED_FOLDERS or path.name in TIMED_FILES:
            item.add_marker("timed")


def pytest_sessionfinish(session, exitstatus):
    """Let one half of the tests be empty, since the user may have selected tests of the other."""
    if (
        exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED
        and session.config.option.markexpr in HALVES
    ):
        session.exitstatus = pytest.ExitCode.OK
