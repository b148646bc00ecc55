"""One child process: started, spoken to with a time-out, and ended with all it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Final, TypeVar

import psutil

from traingate.errors import ProtocolError, WorkerDiedError, WorkerTimeoutError, WorkloadError
from traingate.launch import TAG, Command
from traingate.wire import PROTOCOL_VERSION, Channel, Failed, Hello, Meeting, Message

_LOG_LINES: Final = 20
_GRACE_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.2

Answer = TypeVar("Answer", bound=Message)


class Child:
    """A running child of ours, as a context manager: when it is left, nothing is left.

    Args:
        command: what to start.
        label: how errors call it, such as ``launch 2``.
        start_seconds: how long it may take until it says Hello.

    Raises:
        WorkerDiedError, WorkerTimeoutError, ProtocolError: on entering, if it does not start.
    """

    def __init__(self, command: Command, label: str, start_seconds: float) -> None:
        self._command = command
        self._label = label
        self._start_seconds = start_seconds

    def __enter__(self) -> Child:
        self._meeting = Meeting()
        self._log = self._meeting.directory / "log"
        self._channel: Channel | None = None
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._start()
            self._check(self.receive(Hello, self._start_seconds, "at its start"))
        except BaseException:
            self._tear_down(grace=0.0)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._tear_down(grace=0.0 if kind is not None else _GRACE_SECONDS)

    def _start(self) -> None:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own argv, no shell
                [*self._command.argv, str(self._meeting.directory)],
                env={**self._command.environment, TAG: str(self._meeting.directory)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is ours alone, and killpg reaches its children
            )
        deadline = time.monotonic() + self._start_seconds
        while self._channel is None:
            self._channel = self._meeting.accept(_POLL_SECONDS)
            if self._channel is not None:
                break
            if self._process.poll() is not None:
                raise WorkerDiedError(self._obituary("at its start"))
            if time.monotonic() > deadline:
                raise WorkerTimeoutError(self._overdue("at its start", self._start_seconds))

    def _check(self, hello: Hello) -> None:
        if hello.version != PROTOCOL_VERSION:
            raise ProtocolError(
                f"{self._label} speaks version {hello.version} of the protocol, and this "
                f"controller {PROTOCOL_VERSION}. Install one version of pytest-traingate."
            )

    @property
    def pid(self) -> int:
        """Process id of the command that was started."""
        assert self._process is not None
        return self._process.pid

    def send(self, message: Message) -> None:
        """Send a command; a child that is gone is noticed when its answer is awaited."""
        assert self._channel is not None
        with contextlib.suppress(OSError):
            self._channel.send(message)

    def receive(self, kind: type[Answer], seconds: float, doing: str) -> Answer:
        """Wait for one answer.

        Args:
            kind: the type of message that must come.
            seconds: the time-out.
            doing: what the child is at, for an error: ``in step 3 of 5``.

        Raises:
            WorkloadError: the user's code raised in the child.
            WorkerDiedError: the child ended.
            WorkerTimeoutError: the time-out has passed.
            ProtocolError: another message came.
        """
        assert self._channel is not None
        try:
            if not self._channel.poll(seconds):
                raise WorkerTimeoutError(self._overdue(doing, seconds))
            answer = self._channel.receive()
        except (EOFError, OSError) as error:
            raise WorkerDiedError(self._obituary(doing)) from error
        if isinstance(answer, Failed):
            raise WorkloadError(self._failure(answer, doing))
        if not isinstance(answer, kind):
            raise ProtocolError(
                f"{self._label} answered {type(answer).__name__} {doing}, not {kind.__name__}"
            )
        return answer

    def ask(self, message: Message, kind: type[Answer], seconds: float, doing: str) -> Answer:
        """Send a command and wait for its one answer; errors as for ``receive``."""
        self.send(message)
        return self.receive(kind, seconds, doing)

    def _failure(self, failed: Failed, doing: str) -> str:
        return (
            f"the workload raised in {self._label}, {doing}:\n\n{failed.traceback}\n{self._tail()}"
        )

    def _overdue(self, doing: str, seconds: float) -> str:
        return (
            f"{self._label} gave no answer within {seconds:g} s {doing}, and was ended. If it "
            f"only needs longer, raise --traingate-timeout.\n{self._tail()}"
        )

    def _obituary(self, doing: str) -> str:
        assert self._process is not None
        try:
            code = self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            ending = "closed its connection"
        else:
            ending = f"exited with status {code}"
            if code < 0:
                name = signal.Signals(-code).name
                ending = f"was killed by {name}"
                if name == "SIGKILL":
                    ending += " (by a person, or by the kernel for want of memory)"
        return f"{self._label} {ending} {doing}, before it had reported.\n{self._tail()}"

    def _tail(self) -> str:
        try:
            lines = self._log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        except OSError:
            lines = []
        if not lines:
            return "It printed nothing."
        return "\n".join(["The last it printed:", *(f"    {line}" for line in lines)])

    def _tear_down(self, grace: float) -> None:
        """End the child, its group, and whatever else carries its tag; then its directory."""
        if self._channel is not None:
            self._channel.close()  # a healthy child ends at once by itself
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                if grace:
                    self._process.wait(grace)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        _sweep(self._meeting.directory)
        self._meeting.close()


def _sweep(directory: Path) -> None:
    """Kill what a child started in a session of its own: killpg did not reach it."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(TAG) == str(directory):
                process.kill()
                process.wait(_GRACE_SECONDS)
