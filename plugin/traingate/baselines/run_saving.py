"""Watch over the files of runs that pytest-benchmark reads and writes in this session.

pytest-benchmark reads all compared files at its start, whatever they are. It takes the next free
number for a new file, which another session may take at the same time, and writes it in place. So
the files are looked at before it reads them, sessions save one after the other, and a file that was
not saved completely is removed and fails the run.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final

import pytest

from traingate.baselines.run_files import storage_folder
from traingate.errors import BaselineError
from traingate.untrusted.files import locked

_LOCK_SECONDS: Final = 60.0
"""Longest wait for another session that is saving."""


class RunSaving:
    """Hooks around the saving of a run.

    Args:
        storage: Value of ``--benchmark-storage``.
        saves: Function that returns whether the session has measured anything, and saves it.
        report: Function that takes a reason for which the run fails.
    """

    def __init__(
        self, storage: str, saves: Callable[[], bool], report: Callable[[str], None]
    ) -> None:
        self._folder = storage_folder(storage)
        self._saves, self._report = saves, report

    @pytest.hookimpl(wrapper=True)  # around pytest-benchmark's, and inside of the terminal's
    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int
    ) -> Generator[None, object, object]:
        """Let pytest-benchmark save the run, and check what it has saved."""
        folder = self._folder
        if folder is None or not self._saves():
            return (yield)
        with locked(folder, _LOCK_SECONDS):
            before = _files(folder)
            try:
                result = yield
            except OSError as error:
                self._fail(session, f"the run was not saved: {error}")
                _call_other_hooks(session, exitstatus)
                result = None
            for file in sorted(_files(folder) - before):
                problem = _problem(file)
                if problem is not None:
                    file.unlink(missing_ok=True)
                    self._fail(session, f"the run was not saved completely, so removed: {problem}")
        return result

    def _fail(self, session: pytest.Session, problem: str) -> None:
        self._report(problem)
        if session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _files(folder: Path) -> set[Path]:
    """Return the files of runs in a storage."""
    return {*folder.glob("*.json"), *folder.glob("*/*.json")}


def _problem(file: Path) -> str | None:
    """Return what is wrong with a new file of a run; None if it is complete and valid."""
    from traingate.baselines.saved_runs import parse_run  # noqa: PLC0415 - loads msgspec

    try:
        parse_run(file)
    except BaselineError as error:
        return str(error)
    return None


def _call_other_hooks(session: pytest.Session, exitstatus: int) -> None:
    """Call the hooks that pytest leaves out because saving has raised: those that are no wrappers.

    Among them are pytest's own, which end the fixtures of the session and write its JUnit file.
    """
    manager = session.config.pluginmanager
    implementations = manager.hook.pytest_sessionfinish.get_hookimpls()
    wrappers = [item.plugin for item in implementations if item.wrapper or item.hookwrapper]
    finish = manager.subset_hook_caller("pytest_sessionfinish", remove_plugins=wrappers)
    finish(session=session, exitstatus=exitstatus)
