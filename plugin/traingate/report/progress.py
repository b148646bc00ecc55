"""The progress line on a terminal: test, launch, step, samples/s, time left."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from rich.console import Console

Uncaptured = Callable[[], AbstractContextManager[object]]


class NoProgress:
    """The observer for pipes and ``-q``: says nothing."""

    def launching(self, number: int, planned: int) -> None:
        """Say nothing."""

    def doing(self, what: str) -> None:
        """Say nothing."""

    def stepped(self, step: int, steps: int, samples_per_second: float) -> None:
        """Say nothing."""


class ProgressLine:
    """One line, redrawn only between steps: a drawing thread would disturb what is timed.

    Args:
        console: of the terminal.
        uncaptured: context in which writing to the terminal is not captured.
        test: name of the test.
    """

    def __init__(self, console: Console, uncaptured: Uncaptured, test: str) -> None:
        self._uncaptured = uncaptured
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[detail]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("elapsed,"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._launch = self._launches = 0
        self._task = self._progress.add_task(test, total=None, detail="")

    def __enter__(self) -> ProgressLine:
        with self._uncaptured():
            self._progress.console.line()  # pytest has written the file's name on this one
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._uncaptured():
            self._progress.stop()

    def launching(self, number: int, planned: int) -> None:
        """Start counting launch ``number``."""
        self._launch, self._launches = number, planned
        self._show("starting")

    def doing(self, what: str) -> None:
        """Say what the worker is at."""
        self._show(what)

    def stepped(self, step: int, steps: int, samples_per_second: float) -> None:
        """Move the bar; all launches together are its length."""
        done = (self._launch - 1) * steps + step
        self._progress.update(self._task, total=self._launches * steps, completed=done)
        self._show(f"step {step}/{steps} {samples_per_second:.4g} samples/s")

    def _show(self, detail: str) -> None:
        detail = f"launch {self._launch}/{self._launches} {detail}"
        self._progress.update(self._task, detail=detail)
        with self._uncaptured():
            self._progress.refresh()
