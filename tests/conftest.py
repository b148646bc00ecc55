"""Mark the tests that time something, sort the others, and check what all of them have left.

Tests that time something must not run beside others.
"""

from __future__ import annotations

import functools
import gc
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
import pytest_benchmark.plugin

import session_leftovers

INNER_OPTIONS = "-p no:randomly -p no:hypothesispytest -p no:codspeed -p no:pytest_cov"
"""Options of the sessions that tests start: in the order of the file, and without what takes a
third of the time in which pytest starts. A test of one of these plugins asks for it by ``-p``."""

TIMED_FOLDERS = {"validity"}
TIMED_FILES = {
    "effects": {"test_causes.py"},
    "plugin": {
        "test_documented_cause.py",
        "test_quick_start.py",
        "test_real_history.py",
    },
    "process": {
        "test_against_stored.py",
        "test_anchor.py",
        "test_tolerances.py",
    },
}
"""Files whose tests compare step times that a busy machine would change.

In other files, such tests have the marker ``timed``.
"""

SIMULATED_FILES = {"test_creep.py", "test_error_rates.py", "test_races.py"}
"""Files of unit tests that decide so many simulated comparisons that they take a minute."""

SLOW_FILES = SIMULATED_FILES | {
    "test_base_names.py",
    "test_base_tests.py",
    "test_bisection_state.py",
    "test_bounded_command.py",
    "test_data_branch.py",
    "test_data_branch_server.py",
    "test_environments.py",
    "test_forms_of_classes.py",
    "test_forms_of_tests.py",
    "test_git_settings.py",
    "test_handshake.py",
    "test_history.py",
    "test_hostile_races.py",
    "test_hostile_records.py",
    "test_hostile_references.py",
    "test_imported_packages.py",
    "test_index.py",
    "test_moved_definitions.py",
    "test_named_anchor.py",
    "test_power.py",
    "test_references.py",
    "test_relocated_copies.py",
    "test_relocation.py",
    "test_selection.py",
    "test_worktree.py",
}
"""Files of unit tests that take seconds, most of them because they start git or Python.

All other unit tests have the marker ``quick``.
"""

ORDER = (
    "effects",
    "faults/test_worker_faults.py",
    "faults/test_session_signals.py",
    "faults/test_torch_faults.py",
    "faults",
    "plugin",
    "process",
    "browser",
    "unit",
    "fuzz",
)
"""Folders and files in the order in which their tests run: the longest files come first.

Otherwise one of two processes would wait at the end for the last file of the other.
"""

# pytest would keep the cache of each project that a test makes there, so that --last-failed in one
# would find the failures of another.
os.environ.pop("TOX_ENV_DIR", None)

CLEANING_SECONDS = 20.0
"""Longest time that processes which clean up may go on after the last test."""

SURROUNDINGS = pytest.StashKey()
"""State before the session, of the process that runs the tests or starts those that do."""

LAST_DESELECTED = pytest.StashKey()
"""Tests that were deselected last: pytest selects by -k first, and then by -m."""


def pytest_configure(config):
    """Hide xdist's worker and the job's summary from the sessions that tests start.

    pytest-benchmark reads the name of the worker, and traingate writes to the summary. The index of
    saved runs is in a folder of the test session, not in the user's cache. pytest-randomly, which
    tests/faults asks for, would change the order of tests in all sessions. Workers keep compiled
    modules: without these, each of them would take twice as long to import torch. Nor does each
    worker that compiles need to find out first, by compiling, whether the compiler knows the vector
    instructions of this CPU; nor each session that is saved, for a quarter of a second, which CPU it is.
    """
    _check_listed_files()
    for name in ("PYTEST_XDIST_WORKER", "GITHUB_STEP_SUMMARY", "PYTHONDONTWRITEBYTECODE"):
        os.environ.pop(name, None)
    sys.dont_write_bytecode = False
    os.environ.setdefault("TORCHINDUCTOR_VEC_ISA_OK", "1")
    os.environ["PYTEST_ADDOPTS"] = INNER_OPTIONS
    pytest_benchmark.plugin.get_cpu_info = functools.cache(pytest_benchmark.plugin.get_cpu_info)
    if hasattr(config, "workerinput"):
        # Waiting threads of OpenMP would take the cores of the tests beside this one.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    else:
        config.stash[SURROUNDINGS] = session_leftovers.prepare()
    os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="tests-cache-")


def _check_listed_files():
    """Refuse to run if a list above names a file that is not there any more."""
    here = Path(__file__).parent
    files = [here / folder / name for folder, names in TIMED_FILES.items() for name in names]
    files += [here / "unit" / name for name in SLOW_FILES]
    missing = [str(file) for file in files if not file.exists()]
    if missing:
        raise pytest.UsageError(f"tests/conftest.py lists what is not there: {', '.join(missing)}")


@pytest.fixture
def pytester(pytester, monkeypatch):
    """Return pytester, which has discarded the options in the environment."""
    monkeypatch.setenv("PYTEST_ADDOPTS", INNER_OPTIONS)
    return pytester


def pytest_unconfigure(config):
    shutil.rmtree(os.environ.pop("XDG_CACHE_HOME"), ignore_errors=True)
    if SURROUNDINGS in config.stash:
        config.stash[SURROUNDINGS].remove()


def pytest_collection_finish():
    """Take what is loaded by now out of garbage collection.

    Each session that a test starts in this process collects garbage several times at its end.
    """
    gc.collect()
    gc.freeze()


def pytest_deselected(items):
    items[0].config.stash[LAST_DESELECTED] = items


@pytest.hookimpl(tryfirst=True)  # before -m selects by the marks
def pytest_collection_modifyitems(items):
    for item in items:
        path = item.path.relative_to(Path(__file__).parent)
        folder = path.parts[0]
        if folder in TIMED_FOLDERS or path.name in TIMED_FILES.get(folder, ()):
            item.add_marker("timed")
        if folder == "unit" and path.name in SIMULATED_FILES:
            item.add_marker("simulated")
            if item.config.pluginmanager.hasplugin("_cov"):
                item.add_marker("no_cover")  # with tracing, they would take twice as long
        if folder == "unit" and path.name not in SLOW_FILES:
            item.add_marker("quick")
    items.sort(key=_position)


def _position(item):
    """Return the position of a test's file or folder in ``ORDER``; other tests come after these."""
    path = item.path.relative_to(Path(__file__).parent)
    positions = [number for number, name in enumerate(ORDER) if path.is_relative_to(name)]
    return min(positions, default=len(ORDER))


@pytest.hookimpl(trylast=True)  # the processes of xdist have ended
def pytest_sessionfinish(session, exitstatus):
    _accept_an_empty_half(session, exitstatus)
    surroundings = session.config.stash.get(SURROUNDINGS, None)
    leftovers = surroundings.leftovers(CLEANING_SECONDS) if surroundings else []
    if leftovers:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        writer = session.config.get_terminal_writer()
        writer.line("\nERROR: the tests have left:", red=True)
        for leftover in leftovers:
            writer.line(leftover)


def _accept_an_empty_half(session, exitstatus):
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
