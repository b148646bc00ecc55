"""Keep which tests a pytest run collected and selected, and which of them failed or were skipped.

A test that is missing from a run may have been left out by the user, as by ``-k``, or it may be
gone: removed, renamed, or no training benchmark any more. A comparison allows only the former.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from enum import Enum
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from typing import Final

import pytest

from traingate.baselines.test_names import is_part_of
from traingate.untrusted.paths import is_file
from traingate.worktree.naming import TestNaming
from traingate.worktree.naming_settings import naming_in, naming_of

FIXTURE = "training_benchmark"
"""Name of the fixture that makes a test a training benchmark."""


_NAMING_KEYS: Final = ("python_files", "python_classes", "python_functions")
"""Ini keys with the names by which pytest recognises tests."""

_LAST_FAILED: Final = "lfplugin-collskip"
"""Plugin that pytest registers when ``--last-failed`` leaves out tests, which it does not report as
deselected."""


def is_training_benchmark(item: pytest.Item) -> bool:
    """Return whether a test requests the fixture of training benchmarks."""
    return FIXTURE in getattr(item, "fixturenames", ())


class Absence(Enum):
    """Reason for which a training benchmark is not among the selected tests."""

    DESELECTED = "left out by the selection of tests"
    SKIPPED = "its module was skipped"
    GONE = "no such training benchmark was collected"


class Selection:
    """Tests of one pytest run, gathered from hooks that pytest calls.

    Args:
        config: Configuration of the run.

    Attributes:
        benchmarks: Full names of the selected training benchmarks, in their order.
        fixtures: Names of the fixtures that each of them requests.
        names: Full names of all selected tests.
        has_collected: True once pytest has collected all tests.
        failed_tests: Full names of tests of which pytest reported a failure.
        failed_modules: Names of the modules that pytest could not collect.
        skip_reasons: Reasons why tests or modules were skipped, by full name.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.benchmarks: tuple[str, ...] = ()
        self.fixtures: dict[str, tuple[str, ...]] = {}
        self.names: frozenset[str] = frozenset()
        self.has_collected = False
        self.failed_tests: set[str] = set()
        self.failed_modules: set[str] = set()
        self.skip_reasons: dict[str, str] = {}
        self._deselected_tests: set[str] = set()
        self._collected_tests: set[str] = set()
        self._visited: set[str] = set()
        self._config = config

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Keep the training benchmarks that pytest has found, whatever is selected later."""
        if is_training_benchmark(item):
            self._collected_tests.add(item.nodeid)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Keep the tests that ``-k``, ``-m`` or another plugin deselected."""
        self._deselected_tests.update(item.nodeid for item in items)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep the collected modules, and those that could not be, or that skipped themselves."""
        self._visited.add(report.nodeid)
        if report.failed:
            self.failed_modules.add(report.nodeid)
        elif report.skipped:
            self.skip_reasons[report.nodeid] = _skip_reason(report)

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Note that this has ended; ``pytest_collection_finish`` is called after errors too."""
        result = yield
        self.has_collected = True
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep the selected tests."""
        self.names = frozenset(item.nodeid for item in session.items)
        self.fixtures = {
            item.nodeid: tuple(getattr(item, "fixturenames", ()))
            for item in session.items
            if is_training_benchmark(item)
        }
        self.benchmarks = tuple(self.fixtures)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep which tests failed, and why others were skipped."""
        if report.failed:
            self.failed_tests.add(report.nodeid)
        elif report.skipped:
            self.skip_reasons[report.nodeid] = _skip_reason(report)

    def naming(self, root: Path, read: Callable[[Path], bytes | None]) -> TestNaming:
        """Return the names by which pytest recognises tests in this run, or in another version.

        A change of the configuration that takes names away must not hide the tests of these names.
        A key that the command line sets has its value in all versions.

        Args:
            root: Root of the project, with symbolic links resolved.
            read: Function that returns the content of a file below it in that version, None if
                there is none.
        """
        config = self._config
        naming = TestNaming(*(config.getini(key) for key in _NAMING_KEYS))
        file = None if config.inipath is None else config.inipath.resolve()
        folder = config.rootpath.resolve() if file is None else file.parent
        if not folder.is_relative_to(root):
            return naming  # of a file that is in no version of the project
        if config.option.inifilename and file is not None:
            other = naming_of(file, read)
        else:
            named_folder = self._named_folder()  # another version may have a file farther down
            is_inside = named_folder.is_relative_to(folder)
            other = naming_in(named_folder if is_inside else folder, root, read)
        settings = (text.partition("=")[0] for text in config.option.override_ini or ())
        overridden = {key: getattr(naming, key) for key in settings if key in _NAMING_KEYS}
        return naming.joined(replace(other, **overridden))

    def has_collected_benchmark(self, test: str) -> bool:
        """Return whether pytest found a training benchmark, or one of its sets of parameters."""
        return any(is_part_of(name, test) for name in self._collected_tests)

    def has_visited(self, test: str) -> bool:
        """Return whether pytest looked for tests in the module of *test*."""
        return test.partition("::")[0] in self._visited

    def names_file(self, file: Path) -> bool:
        """Return whether an argument of pytest names a file, in which it then looks for tests."""
        return file.resolve() in self._argument_paths

    def absence(self, test: str) -> Absence:
        """Return why *test*, a full name that is not in ``benchmarks``, is not among them."""
        if any(is_part_of(name, test) for name in self._deselected_tests):
            return Absence.DESELECTED
        module = test.partition("::")[0]
        if module in self.skip_reasons:
            return Absence.SKIPPED
        if test not in self.names and self._is_left_out(module, test):
            return Absence.DESELECTED
        return Absence.GONE

    def _is_left_out(self, module: str, test: str) -> bool:
        """Return whether the command line leaves out a test that may still exist."""
        file = Path(self._config.rootpath, module)
        if not is_file(file):
            return False
        file = file.resolve()
        option = self._config.option
        ignored_paths = [self._resolve(path) for path in option.ignore or ()]
        ignored_patterns = [str(self._resolve(path)) for path in option.ignore_glob or ()]
        return (
            self._config.pluginmanager.has_plugin(_LAST_FAILED)
            or any(path == file or path in file.parents for path in ignored_paths)
            or any(fnmatch(str(file), pattern) for pattern in ignored_patterns)
            or not (self._has_default_paths or self._covers_any(file, test))
        )

    @property
    def _has_default_paths(self) -> bool:
        """Return whether pytest collected the paths that the project configures (testpaths)."""
        return self._config.args_source is pytest.Config.ArgsSource.TESTPATHS

    def _covers_any(self, file: Path, test: str) -> bool:
        return any(self._covers(argument, file, test) for argument in self._config.args)

    def _covers(self, argument: str, file: Path, test: str) -> bool:
        """Return whether an argument of the command line selects *test*, which is in *file*."""
        name = argument.partition("::")[2]
        path = self._path_of(argument)
        if not name:
            return path == file or path in file.parents
        return path == file and is_part_of(test.partition("::")[2], name)

    def _named_folder(self) -> Path:
        """Return the folder of all files that the command line names; without any, the current."""
        if self._config.args_source is not pytest.Config.ArgsSource.ARGS:
            return self._config.invocation_params.dir.resolve()
        path = Path(os.path.commonpath(self._argument_paths))
        return path.parent if is_file(path) else path

    @cached_property
    def _argument_paths(self) -> frozenset[Path]:
        """Return the absolute paths that the arguments of pytest name."""
        return frozenset(map(self._path_of, self._config.args))

    def _path_of(self, argument: str) -> Path:
        """Return the absolute path of the file or folder that an argument of pytest names."""
        text = argument.partition("::")[0]
        path = _package_path(text) if self._config.option.pyargs else None
        return path or self._resolve(text)

    def _resolve(self, path: str | Path) -> Path:
        """Return the absolute path of an argument of the command line."""
        return (self._config.invocation_params.dir / path).resolve()


def _package_path(name: str) -> Path | None:
    """Return the file of a module, or the folder of a package; None if there is none."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, AttributeError, ValueError):
        return None
    if spec is None:
        return None
    folders = spec.submodule_search_locations
    place = next(iter(folders), None) if folders is not None else spec.origin
    return None if place is None else Path(place).resolve()


def _skip_reason(report: pytest.CollectReport | pytest.TestReport) -> str:
    """Return why pytest skipped a test or a module, or marked its failure as expected."""
    expected_failure = getattr(report, "wasxfail", None)
    if expected_failure is not None:
        return f"expected to fail {expected_failure}".rstrip()
    longrepr = report.longrepr
    text = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    return text.removeprefix("Skipped: ")
