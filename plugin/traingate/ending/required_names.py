"""Check that what ``--traingate-require`` names has run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping
from typing import TYPE_CHECKING, Final

import pytest

from traingate.ending.exit_status import is_complete
from traingate.layers.kinds import KINDS
from traingate.requested_layers import LAYER_NAMES
from traingate.selection import Selection, is_training_benchmark

if TYPE_CHECKING:
    from traingate.session import Session

_MARK: Final = "traingate_took_no_step"
"""Attribute of the reports of tests of required layers that took no step."""


class RequiredNames:
    """Hooks that find tests of required layers which have neither run nor failed.

    Under pytest-xdist and pytest-forked tests run in other processes. From there the report of a
    test says that it took no step.

    Args:
        required: Names that the user requires.
        selection: Tests that pytest selected.
        session: Function that returns the session of this process; None if it measured nothing.
    """

    def __init__(
        self,
        required: frozenset[str],
        selection: Selection,
        session: Callable[[], Session | None],
    ) -> None:
        self._required, self._selection, self._session = required, selection, session
        self._reported_tests: set[str] = set()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Mark the last report of a test of a required layer if the test took no step."""
        report = yield
        if call.when == "teardown" and is_training_benchmark(item):
            fixtures = {item.nodeid: tuple(getattr(item, "fixturenames", ()))}
            if unmeasured_tests(self._required, fixtures, self._ended_tests):
                setattr(report, _MARK, True)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the tests whose last report is marked."""
        if getattr(report, _MARK, False):
            self._reported_tests.add(report.nodeid)
        elif report.when == "teardown":  # it was run again
            self._reported_tests.discard(report.nodeid)

    @property
    def _ended_tests(self) -> set[str]:
        """Return the tests that took a step or need none, and those that failed."""
        session = self._session()
        stepped_tests = set() if session is None else session.stepped_tests
        unavailable_tests = set() if session is None else session.unavailable_tests
        return self._selection.failed_tests | stepped_tests | unavailable_tests

    def problems(self, session: pytest.Session) -> list[str]:
        """Return error messages if what is required has not run although the run got to its end.

        Args:
            session: Session of pytest, which has ended.
        """
        if not self._required or not is_complete(session):
            return []
        measuring_session = self._session()
        messages = []
        if session.exitstatus == pytest.ExitCode.OK:
            names = measuring_session.requested_names if measuring_session else ()
            messages += describe_unknown_names(self._required, names)
        tests = self._reported_tests - self._selection.failed_tests
        config = session.config
        if not (hasattr(config, "workerinput") or config.getoption("forked", 0)):
            fixtures = self._selection.fixtures
            tests |= {*unmeasured_tests(self._required, fixtures, self._ended_tests)}
        return messages + describe_unmeasured_tests(self._required, sorted(tests))


def describe_unknown_names(required: frozenset[str], used_names: Collection[str]) -> list[str]:
    """Return an error message if a required name must be misspelt.

    That is a name which is neither of traingate's own layers nor of a layer that a test used.

    Args:
        required: Names that the user requires.
        used_names: Names of all layers, and of their extras, that tests have used.
    """
    unknown_names = required - LAYER_NAMES - {*used_names}
    if not unknown_names:
        return []
    return [
        f"--traingate-require names {', '.join(sorted(unknown_names))}, and no test has such a "
        f"layer. traingate's own are {', '.join(sorted(LAYER_NAMES))}."
    ]


def unmeasured_tests(
    required: frozenset[str], fixtures: Mapping[str, Collection[str]], ended_tests: Collection[str]
) -> list[str]:
    """Return the full names of tests of required layers that have neither run nor failed.

    Args:
        required: Names that the user requires.
        fixtures: Names of the fixtures of the selected training benchmarks, by their full names.
        ended_tests: Full names of those that took a step, or that pytest reported as failed.
    """
    layers = {
        name for name, kind in KINDS.items() if not required.isdisjoint((kind.name, kind.extra))
    }
    return [
        test
        for test, names in fixtures.items()
        if not layers.isdisjoint(names) and test not in ended_tests
    ]


def describe_unmeasured_tests(required: frozenset[str], tests: Collection[str]) -> list[str]:
    """Return an error message if there are such tests.

    Args:
        required: Names that the user requires.
        tests: Full names of tests of required layers that took no step.
    """
    if not tests:
        return []
    listed = "\n".join(f"  {test}" for test in tests)
    return [
        f"--traingate-require names {', '.join(sorted(required))}, and these tests, which request "
        f"it, took no step:\n{listed}"
    ]
