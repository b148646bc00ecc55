"""Find which tests the stored runs hold, so that a test that is no longer measured is noticed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain
from pathlib import Path

from traingate.baselines.comparability import hardware_differences
from traingate.baselines.summaries import RunSummary
from traingate.records import Hardware


def known_tests(
    runs: Sequence[RunSummary], scale: str, hardware: Hardware, used: Collection[Path] = ()
) -> dict[str, str]:
    """Return the tests that a session should compare, with the titles of the runs that have them.

    These are the tests of the newest run of this machine, and those of each run that served as a
    baseline. If there is no run of this machine, the newest one of a clean commit counts, because a
    duet could be measured with it; else the newest of all. Also known are the tests that such a run
    itself should have compared and did not. A test is no longer known if a later run was saved with
    the permission to lack it.

    Args:
        runs: Saved runs, oldest first.
        scale: Name of the session's scale; records of other scales count only if there are no
            others.
        hardware: Machine of the session.
        used: Files of the runs that served as baselines in the session.
    """
    newest, newest_tests = _newest_run(runs, scale, hardware)
    titles: dict[str, str] = {}
    for run in runs:
        is_used = run.path in used
        if is_used or run is newest:
            run_tests = _tests_of(run, scale) if is_used else newest_tests
            titles |= dict.fromkeys((*run_tests, *run.missing_tests), run.title)
        for test in run.allowed_missing_tests:
            titles.pop(test, None)
    return titles


def _newest_run(
    runs: Sequence[RunSummary], scale: str, hardware: Hardware
) -> tuple[RunSummary | None, list[str]]:
    """Return the newest run of the best kind, and those of its tests that are of that kind."""
    newest_first = runs[::-1]
    of_this_machine = ((run, _tests_of(run, scale, hardware)) for run in newest_first)
    of_a_commit = ((run, _tests_of(run, scale)) for run in newest_first if run.commit is not None)
    others = ((run, _tests_of(run)) for run in newest_first)
    for run, tests in chain(of_this_machine, of_a_commit, others):
        if tests:
            return run, tests
    return None, []


def _tests_of(
    run: RunSummary, scale: str | None = None, hardware: Hardware | None = None
) -> list[str]:
    """Return the tests of *run* with a record of this scale and this machine, each unless None."""
    return [
        item.test
        for item in run.tests
        if scale in {None, item.scale}
        and (hardware is None or not hardware_differences(item.machine, hardware))
    ]
