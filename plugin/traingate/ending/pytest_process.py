"""Run pytest in a process of its own that ends with this one, if a signal asks for that."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TextIO

from traingate.ending.termination import END_SIGNALS, FIRST_SIGNAL_STATUS


@dataclass(frozen=True)
class PytestEnd:
    """End of a run of pytest.

    Attributes:
        status: Exit status.
        signal: Number of the last signal that was passed on to it; None if there was none.
    """

    status: int
    signal: int | None = None

    def check(self) -> None:
        """End this process too if a signal asked for that.

        Raises:
            KeyboardInterrupt: If it was Ctrl-C's.
            SystemExit: If it was another.
        """
        if self.signal == signal.SIGINT:
            raise KeyboardInterrupt
        if self.signal is not None:
            sys.exit(FIRST_SIGNAL_STATUS + self.signal)


def run_pytest(
    arguments: Sequence[str], *, folder: Path | None = None, output: TextIO | None = None
) -> PytestEnd:
    """Run pytest to its end.

    A service that cancels a job sends SIGINT or SIGTERM to this process alone. Both are passed on.

    Args:
        arguments: Arguments of pytest.
        folder: Folder to run it in; None for this process's.
        output: File for its standard output; None for this process's.
    """
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    with (
        _signals_passed_on() as passing,
        subprocess.Popen(command, cwd=folder, stdout=output) as process,  # noqa: S603 - no shell
    ):
        passing.start(process)
        status = process.wait()
    return PytestEnd(status if status >= 0 else FIRST_SIGNAL_STATUS - status, passing.last_number)


@dataclass
class _Passing:
    """Handler of signals that passes them on to a process, also those that come before it starts.

    Attributes:
        last_number: Number of the last signal; None if there was none.
    """

    last_number: int | None = None
    _early_numbers: list[int] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None

    def start(self, process: subprocess.Popen[bytes]) -> None:
        """Pass signals on to *process* from now on, and those that came before."""
        self._process = process
        while self._early_numbers:
            process.send_signal(self._early_numbers.pop(0))

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal, as a handler of ``signal``."""
        self.last_number = number
        if self._process is None:
            self._early_numbers.append(number)
        elif number != signal.SIGINT or not os.isatty(0):  # a terminal has sent its Ctrl-C to both
            self._process.send_signal(number)


@contextlib.contextmanager
def _signals_passed_on() -> Iterator[_Passing]:
    """Handle the signals that ask this process to end, while the context lasts.

    Those that are ignored, as under nohup, stay so: pytest inherits that.
    """
    passing = _Passing()
    numbers = [
        number
        for number in (signal.SIGINT, *END_SIGNALS)
        if signal.getsignal(number) != signal.SIG_IGN
    ]
    earlier = {number: signal.signal(number, passing.handle) for number in numbers}
    try:
        yield passing
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
