"""Show the progress of a measurement on a terminal: test, launch, step, samples/s, time left."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from rich.console import Console

Uncaptured = Callable[[], AbstractContextManager[object]]
"""Function that returns a context in which pytest does not capture output."""


class NoProgress:
    """Observer that shows nothing, for pipes and ``-q``."""

    def launching(self, number: int, planned: int) -> None:
        """Do nothing."""

    def doing(self, activity: str) -> None:
        """Do nothing."""

    def stepped(self, step: int, steps: int, samples_per_second: float) -> None:
        """Do nothing."""


class ProgressLine:
    """Observer that redraws one line, only between steps: a drawing thread would disturb them.

    Args:
        console: Console of the terminal.
        uncaptured: Function that returns a context in which pytest does not capture output.
        test: Name of the test.
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
            self._progress.console.line()  # pytest has written the test file's name on this one
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._uncaptured():
            self._progress.stop()

    def launching(self, number: int, planned: int) -> None:
        """Show that a launch starts.

        Args:
            number: Number of the launch, from 1.
            planned: Number of launches planned so far.
        """
        self._launch, self._launches = number, planned
        self._show("starting")

    def doing(self, activity: str) -> None:
        """Show the current activity of the worker.

        Args:
            activity: Name of the activity, such as ``first step``.
        """
        self._show(activity)

    def stepped(self, step: int, steps: int, samples_per_second: float) -> None:
        """Move the bar, whose length is the number of steps of all launches.

        Args:
            step: Number of the measured step that is done, from 1.
            steps: Number of measured steps of the launch.
            samples_per_second: Throughput of the step.
        """
        completed = (self._launch - 1) * steps + step
        self._progress.update(self._task, total=self._launches * steps, completed=completed)
        self._show(f"step {step}/{steps} {samples_per_second:.4g} samples/s")

    def _show(self, detail: str) -> None:
        detail = f"launch {self._launch}/{self._launches} {detail}"
        self._progress.update(self._task, detail=detail)
        with self._uncaptured():
            self._progress.refresh()
