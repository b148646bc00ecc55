"""Find which tests the stored runs hold, so that a test that is no longer measured is noticed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from traingate.baselines.comparability import hardware_differences
from traingate.baselines.saved_runs import SavedRun
from traingate.records import Hardware, Measurement


def known_tests(
    runs: Sequence[SavedRun], scale: str, hardware: Hardware, used: Collection[Measurement] = ()
) -> dict[str, str]:
    """Return the tests that a session should compare, with the titles of the runs that have them.

    These are the tests of the newest run of this machine, and those of each run that served as a
    baseline. Also known are the tests that such a run itself should have compared and did not. A
    test is no longer known if a later run was saved with the permission to lack it.

    Args:
        runs: Saved runs, oldest first.
        scale: Name of the session's scale; records of other scales do not count.
        hardware: Machine of the session.
        used: Measurements that served as baselines in the session.
    """
    run_tests = [_tests_of(run, scale, hardware) for run in runs]
    newest = max((number for number, tests in enumerate(run_tests) if tests), default=None)
    titles: dict[str, str] = {}
    for number, (run, tests) in enumerate(zip(runs, run_tests, strict=True)):
        is_used = any(item is other for _, item in run.measurements for other in used)
        if is_used or number == newest:
            run_names = _tests_of(run, scale, None) if is_used else tests
            titles |= dict.fromkeys((*run_names, *run.missing_tests), run.title)
        for test in run.allowed_missing_tests:
            titles.pop(test, None)
    return titles


def _tests_of(run: SavedRun, scale: str, hardware: Hardware | None) -> list[str]:
    """Return the tests of *run* with a record of this scale, and of this machine unless None."""
    return [
        name
        for name, measurement in run.measurements
        if measurement.scale == scale
        and (hardware is None or not hardware_differences(measurement.machine, hardware))
    ]
