"""Run a command that may hang, print without end, or leave processes behind, within limits.

This module imports the standard library, and modules of traingate that do the same.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import select
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Final, Protocol

from traingate.untrusted.clock import monotonic, wait_for_exit

_MAX_READ_BYTES: Final = 256 << 20
"""Largest output that is read. git lists the files of large repositories in some ten MiB."""

_PART_BYTES: Final = 1 << 16

_CHECK_SECONDS: Final = 1.0
"""Longest wait without a look at the time, and without a return to the handlers of signals."""


class LongOutputError(OSError):
    """A command has printed more than is read."""


class GroupObserver(Protocol):
    """Receiver of the process group of a command."""

    def __call__(self, group: int, *, runs: bool) -> None:
        """Note that a process group was started, or that it has ended."""


def run_bounded(
    command: Sequence[str],
    seconds: float | None,
    *,
    environment: Mapping[str, str] | None = None,
    question: str = "",
    errors: str = "backslashreplace",
    is_shown: bool = False,
    on_change: GroupObserver | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command in a session of its own, and return its output, whatever its exit status is.

    If the time is over, or if this process is interrupted, all processes of its group are killed: a
    wrapper's child would outlive the wrapper.

    Args:
        command: Program and its arguments.
        seconds: Longest time that it may take; None for one that the user watches.
        environment: Environment variables; None for those of this process.
        question: Text for its standard input, in UTF-8.
        errors: Treatment of output that is not UTF-8, as for ``bytes.decode``.
        is_shown: Whether it prints where this process prints; then no output is returned.
        on_change: Function that is called when it has started, and when it has ended.

    Raises:
        OSError: If it cannot be started.
        ValueError: If there is a null byte in it.
        TimeoutExpired: If it took longer.
        LongOutputError: If it printed more than 256 MiB.
    """
    output_target = None if is_shown else subprocess.PIPE

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - no shell
            command,
            stdin=subprocess.PIPE,
            stdout=output_target,
            stderr=output_target,
            env=environment,
            start_new_session=True,  # so that it and its children can be killed together
        )

    started: Future[subprocess.Popen[bytes]] = Future()
    try:
        _run_in_thread(start, started)
        process = started.result()
        if on_change is not None:
            on_change(process.pid, runs=True)
        outputs = _communicate(process, question.encode(), seconds)
        if on_change is not None:
            on_change(process.pid, runs=False)
    except BaseException:
        _end(started, on_change)
        raise
    texts = [_text(output, errors) for output in outputs]
    return subprocess.CompletedProcess(command, process.returncode, *texts)


def _communicate(
    process: subprocess.Popen[bytes], question: bytes, seconds: float | None
) -> list[bytes]:
    """Write to a command, read its output and its error output to their ends, and wait for its end.

    ``Popen.communicate`` sets no limit to what it reads, and its clock is one that tests stop.

    Raises:
        TimeoutExpired, LongOutputError: See ``run_bounded``.
    """
    deadline = math.inf if seconds is None else monotonic() + seconds
    assert process.stdin is not None
    outputs = {each: bytearray() for each in (process.stdout, process.stderr) if each is not None}
    streams = {each.fileno(): each for each in (process.stdin, *outputs)}
    os.set_blocking(process.stdin.fileno(), False)
    poll = select.poll()
    for number, stream in streams.items():
        poll.register(number, select.POLLOUT if stream is process.stdin else select.POLLIN)
    while streams:
        remaining = deadline - monotonic()
        if remaining <= 0:
            raise subprocess.TimeoutExpired(process.args, seconds or 0.0)
        for number, _ in poll.poll(math.ceil(1000 * min(remaining, _CHECK_SECONDS))):
            stream = streams[number]
            if stream is process.stdin:
                question = _unwritten(number, question)
                is_ended = not question
            else:
                part = os.read(number, _PART_BYTES)
                outputs[stream] += part
                is_ended = not part
            if is_ended:
                poll.unregister(number)
                del streams[number]
                stream.close()
        if sum(map(len, outputs.values())) > _MAX_READ_BYTES:
            raise LongOutputError(f"it printed more than {_MAX_READ_BYTES >> 20} MiB")
    if wait_for_exit(process, deadline - monotonic()) is None:
        raise subprocess.TimeoutExpired(process.args, seconds or 0.0)
    return [
        b"" if stream is None else bytes(outputs[stream])
        for stream in (process.stdout, process.stderr)
    ]


def _unwritten(number: int, text: bytes) -> bytes:
    """Write as much of a text as a pipe takes, and return the rest; none if nobody reads it."""
    try:
        return text[os.write(number, text[:_PART_BYTES]) :]
    except BlockingIOError:
        return text
    except BrokenPipeError:
        return b""


def _text(output: bytes, errors: str) -> str:
    """Return an output as a text, whose lines end with a line feed alone."""
    return output.decode(errors=errors).replace("\r\n", "\n").replace("\r", "\n")


def _run_in_thread(
    start: Callable[[], subprocess.Popen[bytes]], started: Future[subprocess.Popen[bytes]]
) -> None:
    """Start a command in a thread, unless *started* is cancelled before, and put it there.

    Python calls the handlers of signals in the main thread. There one could raise an exception when
    the process runs and nothing has its number yet, and so the process would go on.

    Raises:
        OSError: If no thread can be started.
    """

    def run() -> None:
        if started.set_running_or_notify_cancel():
            try:
                started.set_result(start())
            except BaseException as error:
                started.set_exception(error)

    try:
        threading.Thread(target=run, daemon=True).start()
    except RuntimeError as error:
        raise OSError(errno.EAGAIN, str(error)) from error


def _end(started: Future[subprocess.Popen[bytes]], on_change: GroupObserver | None) -> None:
    """Kill the process group of a command, and close its pipes; do not start it if none runs."""
    if started.cancel() or started.exception() is not None:
        return
    with started.result() as process:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()  # Popen itself does not after an interruption, which leaves a zombie
        if on_change is not None:
            on_change(process.pid, runs=False)
