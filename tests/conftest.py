"""Mark the tests that time something: these must not run beside others."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

FIXED_ORDER = "-p no:randomly"
TIMED_FOLDERS = {"validity"}
TIMED_FILES = {
    "effects": {"test_causes.py", "test_duet.py", "test_phases.py"},
    "plugin": {
        "test_documented_cause.py",
        "test_duets.py",
        "test_profile_commands.py",
        "test_pull_request_gate.py",
        "test_quick_start.py",
        "test_real_history.py",
        "test_stored_runs.py",
    },
    "process": {
        "test_against_stored.py",
        "test_anchor.py",
        "test_bisect.py",
        "test_calibrate.py",
        "test_environment.py",
        "test_profiling.py",
        "test_tolerances.py",
        "test_total_time.py",
        "test_tune.py",
    },
}
"""Files whose tests compare step times that a busy machine would change."""

LAST_DESELECTED = pytest.StashKey()
"""Tests that were deselected last: pytest selects by -k first, and then by -m."""


def pytest_configure():
    """Hide xdist's worker and the job's summary from the sessions that tests start.

    pytest-benchmark reads the name of the worker, and traingate writes to the summary. The index of
    saved runs is in a folder of the test session, not in the user's cache. pytest-randomly, which
    tests/faults asks for, would change the order of tests in all sessions.
    """
    for name in ("PYTEST_XDIST_WORKER", "GITHUB_STEP_SUMMARY"):
        os.environ.pop(name, None)
    os.environ["PYTEST_ADDOPTS"] = FIXED_ORDER
    os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="traingate-tests-")


@pytest.fixture
def pytester(pytester, monkeypatch):
    """Return pytester, which has discarded the options in the environment."""
    monkeypatch.setenv("PYTEST_ADDOPTS", FIXED_ORDER)
    return pytester


def pytest_unconfigure():
    shutil.rmtree(os.environ.pop("XDG_CACHE_HOME"), ignore_errors=True)


def pytest_deselected(items):
    items[0].config.stash[LAST_DESELECTED] = items


@pytest.hookimpl(tryfirst=True)  # before -m selects by the marks
def pytest_collection_modifyitems(items):
    for item in items:
        path = item.path.relative_to(Path(__file__).parent)
        folder = path.parts[0]
        if folder in TIMED_FOLDERS or path.name in TIMED_FILES.get(folder, ()):
            item.add_marker("timed")


def pytest_sessionfinish(session, exitstatus):
    """Let one of the two runs of tox.ini be empty if the user has selected tests of the other.

    Tests that are not timed run under xdist, whose workers do not say what they deselected. The
    other run fails if neither of the two has a test.
    """
    if exitstatus != pytest.ExitCode.NO_TESTS_COLLECTED:
        return
    half, deselected = session.config.option.markexpr, session.config.stash.get(LAST_DESELECTED, [])
    others_are_selected = bool(deselected) and not any(
        item.get_closest_marker("timed") for item in deselected
    )
    if half.startswith("not timed") or (half.startswith("timed") and others_are_selected):
        session.exitstatus = pytest.ExitCode.OK
