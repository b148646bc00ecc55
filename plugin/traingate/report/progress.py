"""Show the progress of a measurement: a line on a terminal, and lines now and then in a log."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Final

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from traingate.report.terminal_text import encodable, terminal_text
from traingate.untrusted.clock import monotonic

if TYPE_CHECKING:
    from rich.console import Console

Uncaptured = Callable[[], AbstractContextManager[object]]
"""Function that returns a context in which pytest does not capture output."""

_LOG_SECONDS: Final = 60.0
"""Time between two lines in a log. CI services end a job that prints nothing for ten minutes."""


class NoProgress:
    """Observer that shows nothing."""

    def launching(self, number: int, planned: int) -> None:
        """Do nothing."""

    def doing(self, activity: str) -> None:
        """Do nothing."""

    def stepped(self, step: int, steps: int, samples_per_second: float) -> None:
        """Do nothing."""

    def printed(self, launch: str, text: str) -> None:
        """Do nothing."""


class WorkerOutput(NoProgress):
    """Observer that shows what the workers print, and no progress.

    It writes to this process's standard output. So pytest shows the text with the report of a test
    that fails, and at once under ``-s``.
    """

    def __init__(self) -> None:
        self._shown_texts: set[str] = set()

    def printed(self, launch: str, text: str) -> None:
        """Show what a launch printed, unless an earlier launch of the test printed the same.

        Args:
            launch: Name of the launch, such as ``launch 2``.
            text: Text that its processes printed.
        """
        if text not in self._shown_texts:
            self._shown_texts.add(text)
            shown_text = f"[printed by {launch}]\n{terminal_text(text)}\n"
            sys.stdout.write(encodable(shown_text, sys.stdout))
            sys.stdout.flush()


class LogLines(WorkerOutput):
    """Observer that writes a line when a test starts, and then one in each minute.

    A thread writes them, because a step that compiles may take longer than that. It sleeps in
    between.

    Args:
        write: Function that writes a line to the log.
        test: Name of the test.
        announces: True to write a line at the start.
        interval_seconds: Time between two lines.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        test: str,
        *,
        announces: bool = True,
        interval_seconds: float = _LOG_SECONDS,
    ) -> None:
        super().__init__()
        self._write, self._test = write, test
        self._announces, self._interval_seconds = announces, interval_seconds
        self._launch = self._activity = ""
        self._has_ended = threading.Event()
        self._output_lock = threading.Lock()
        self._thread = threading.Thread(target=self._write_lines, daemon=True)

    def __enter__(self) -> LogLines:
        self._start_seconds = monotonic()
        if self._announces:
            self._write(f"traingate: measuring {self._test}")
        with contextlib.suppress(RuntimeError):  # no thread is left: the log has no further lines
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._has_ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def launching(self, number: int, planned: int) -> None:
        """Note the number of the launch, for the next line."""
        self._launch, self._activity = f"launch {number}/{planned}", "starting"

    def doing(self, activity: str) -> None:
        """Note the activity of the worker, for the next line."""
        self._activity = activity

    def stepped(self, step: int, steps: int, samples_per_second: float) -> None:
        """Note the step, for the next line."""
        self._activity = f"step {step}/{steps} {samples_per_second:.4g} samples/s"

    def printed(self, launch: str, text: str) -> None:
        """Show what a launch printed, while no line is written."""
        with self._output_lock:
            super().printed(launch, text)

    def _write_lines(self) -> None:
        while not self._has_ended.wait(self._interval_seconds):
            minutes, seconds = divmod(round(monotonic() - self._start_seconds), 60)
            line = f"{self._test}: {self._launch} {self._activity}, {minutes}:{seconds:02} elapsed"
            with self._output_lock:
                self._write(f"traingate: {line}")


class ProgressLine(WorkerOutput):
    """Observer that redraws one line, only between steps: a drawing thread would disturb them.

    Args:
        console: Console of the terminal.
        uncaptured: Function that returns a context in which pytest does not capture output.
        test: Name of the test.
    """

    def __init__(self, console: Console, uncaptured: Uncaptured, test: str) -> None:
        super().__init__()
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

    def printed(self, launch: str, text: str) -> None:
        """Show what a launch printed, above the line."""
        with self._uncaptured():
            self._progress.stop()
        super().printed(launch, text)
        with self._uncaptured():
            self._progress.start()

    def _show(self, detail: str) -> None:
        detail = f"launch {self._launch}/{self._launches} {detail}"
        self._progress.update(self._task, detail=detail)
        with self._uncaptured():
            self._progress.refresh()
