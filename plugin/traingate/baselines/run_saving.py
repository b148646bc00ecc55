"""Watch over the files of runs that pytest-benchmark reads and writes in this session.

pytest-benchmark reads all compared files at its start, whatever they are: ``run_files`` looks at
them before. It takes the next free number for a new file, which another session may take at the
same time, and writes it in place. So sessions save one after the other, each a whole file
(``whole_saves``), which is read again: what is no valid run fails this one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from traingate.baselines.run_files import run_number, storage_folder, stored_files
from traingate.baselines.whole_saves import whole_saves
from traingate.errors import BaselineError
from traingate.untrusted.locks import locked

_LOCK_SECONDS: Final = 60.0
"""Longest wait for another session that is saving."""

_LAST_NUMBER: Final = 9999
"""Largest number of a run that pytest-benchmark counts on from."""

_COUNTED: Final = "[0-9][0-9][0-9][0-9]_*.json"
"""Names of the runs that it counts."""

CHECK_NAME: Final = "traingate-saved-run-check"
"""Name of the plugin that checks the saved run."""


def check_next_number(config: pytest.Config, storage: str) -> None:
    """Check that pytest-benchmark has a number for the run that the session is to save.

    It looks for the largest number of four digits. After 9999 it takes 10000 again and again: it
    fails, or overwrites the run of that name.

    Args:
        config: Configuration of pytest.
        storage: Value of ``--benchmark-storage``.

    Raises:
        BaselineError: If it has none; the message says what to do.
    """
    from pytest_benchmark.utils import get_machine_id  # noqa: PLC0415 - may be not installed

    folder = storage_folder(storage)
    if folder is None or not _run_name(config):
        return
    if any(config.getoption(name, None) for name in ("benchmark_skip", "benchmark_disable")):
        return
    machine = get_machine_id()  # type: ignore[no-untyped-call] # pytest-benchmark has no types
    try:
        files = [file for each in (folder, folder / machine) for file in each.glob(_COUNTED)]
    except OSError:  # reported where the run is saved
        return
    last = max(files, default=None)  # by the whole path, as pytest-benchmark sorts them
    if last is not None and run_number(last) == _LAST_NUMBER:
        raise BaselineError(
            f"this run could not be saved: {last} is there, and pytest-benchmark numbers runs up "
            f"to {_LAST_NUMBER}. Move the older runs out of that folder, and give those that stay "
            "small numbers, such as 0001_name.json: traingate orders runs by their dates. Or save "
            "to another folder with --benchmark-storage."
        )


class RunSaving:
    """Hooks around the saving of a run.

    Args:
        storage: Value of ``--benchmark-storage``.
        saves: Function that returns whether the session has measured anything, and saves it.
        report: Function that takes a reason for which the run fails.

    Attributes:
        parts: Plugins that the run has registered, by their names.
    """

    def __init__(
        self, storage: str, saves: Callable[[], bool], report: Callable[[str], None]
    ) -> None:
        self._folder = storage_folder(storage)
        self._saves, self._report = saves, report
        self._check = _SavedRunCheck()
        self.parts: dict[str, object] = {}

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Register the hook that checks the saved run."""
        session.config.pluginmanager.register(self._check, CHECK_NAME)
        self.parts[CHECK_NAME] = self._check

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Unregister the hook that checks the saved run."""
        if config.pluginmanager.has_plugin(CHECK_NAME):
            config.pluginmanager.unregister(name=CHECK_NAME)

    @pytest.hookimpl(wrapper=True)  # around pytest-benchmark's, and inside of the terminal's
    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int
    ) -> Generator[None, object, object]:
        """Let pytest-benchmark save the run, and check what it has saved."""
        folder, name = self._folder, _run_name(session.config)
        if folder is None or not name:
            return (yield)
        with locked(folder, _LOCK_SECONDS), whole_saves() as saved_files:
            before = _files(folder, name)

            def check(*, is_saved: bool) -> None:
                if self._saves():
                    files = saved_files or _files(folder, name) - before
                    for file in sorted(files):
                        self._check_file(session, file)
                    if is_saved and not files:
                        self._fail(session, f"no run was saved in {folder}")

            self._check.run = lambda: check(is_saved=True)
            try:
                return (yield)
            except OSError as error:
                if self._check.has_begun:  # another hook has raised it
                    raise
                self._fail(session, f"the run was not saved: {error}")
                check(is_saved=False)
                _call_other_hooks(session, exitstatus)
                return None

    def _check_file(self, session: pytest.Session, file: Path) -> None:
        """Fail the run if a file that was saved is no valid run."""
        from traingate.baselines.saved_runs import read_run  # noqa: PLC0415 - loads msgspec

        try:
            read_run(file)
        except BaselineError as error:
            self._fail(session, f"the run was saved, but cannot be compared with: {error}")

    def _fail(self, session: pytest.Session, problem: str) -> None:
        self._report(problem)
        if session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


class _SavedRunCheck:
    """Hook between pytest-benchmark's, which saves, and all hooks that write results and reports.

    Attributes:
        run: Function that checks what was saved.
        has_begun: True once pytest-benchmark has saved.
    """

    def __init__(self) -> None:
        self.run: Callable[[], None] | None = None
        self.has_begun = False

    @pytest.hookimpl(wrapper=True, trylast=True)  # inside of all other wrappers
    def pytest_sessionfinish(self) -> Generator[None, object, object]:
        """Check the saved run before the results say whether this run has failed."""
        self.has_begun = True
        if self.run is not None:
            self.run()
        return (yield)


def complete_run(output_json: dict[str, Any], missing_tests: Mapping[str, Sequence[str]]) -> None:
    """Store every step in a run that is to be saved, and the names of the tests that it lacks.

    Args:
        output_json: Content of the file.
        missing_tests: Names of tests that were not compared, by the key under which they are kept.
    """
    for saved_benchmark in output_json["benchmarks"]:
        record = saved_benchmark["extra_info"].get("traingate")
        if record is not None:
            saved_benchmark["stats"]["data"] = [
                step for launch in record["launches"] for step in launch["step_seconds"]
            ]
    if any(missing_tests.values()):
        output_json["traingate"] = {key: list(names) for key, names in missing_tests.items()}


def _run_name(config: pytest.Config) -> str:
    """Return the name under which pytest-benchmark saves the run; empty if it does not."""
    names = (config.getoption(option, None) for option in ("benchmark_save", "benchmark_autosave"))
    return next((str(name) for name in names if name), "")


def _files(folder: Path, name: str) -> set[Path]:
    """Return the files of runs in a storage that are called ``NNNN_name.json``."""
    return {file for file in stored_files(folder) if file.name.partition("_")[2] == f"{name}.json"}


def _call_other_hooks(session: pytest.Session, exitstatus: int) -> None:
    """Call the hooks that pytest leaves out because saving has raised: those that are no wrappers.

    Among them are pytest's own, which end the fixtures of the session and write its JUnit file.
    """
    manager = session.config.pluginmanager
    implementations = manager.hook.pytest_sessionfinish.get_hookimpls()
    wrappers = [item.plugin for item in implementations if item.wrapper or item.hookwrapper]
    finish = manager.subset_hook_caller("pytest_sessionfinish", remove_plugins=wrappers)
    finish(session=session, exitstatus=exitstatus)
