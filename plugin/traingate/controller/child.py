"""One child, of one or more ranks: started, spoken to in time, and ended with all it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Final, TypeVar

import psutil

from traingate.controller.command import LAUNCH_TAG, Command
from traingate.controller.exit_report import describe_exit, log_tail
from traingate.controller.rank_channels import RankChannels
from traingate.errors import (
    ConfigurationError,
    ProtocolError,
    TraingateError,
    WorkerDiedError,
    WorkerTimeoutError,
    WorkloadError,
)
from traingate.protocol.channel import Channel, Listener
from traingate.protocol.messages import PROTOCOL_VERSION, Failed, Hello, Message

_GRACE_SECONDS: Final = 5.0
_LAUNCHER_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.2

Answer = TypeVar("Answer", bound=Message)


class Child:
    """A running child of ours, as a context manager: when it is left, nothing is left.

    Entering it starts the process and returns at once; ``wait_for_hello`` waits until it can work.

    Args:
        command: what to start.
        label: how errors call it, such as ``launch 2``.
        start_seconds: how long it may take until it says Hello.

    Attributes:
        world_size: ranks of the whole group, which may span further nodes.
    """

    world_size = 1

    def __init__(self, command: Command, label: str, start_seconds: float) -> None:
        self._command = command
        self._label = label
        self._start_seconds = start_seconds
        self._channels: RankChannels | None = None
        self._known = False  # which rank each connection belongs to
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Child:
        self._listener = Listener()
        self._directory = self._listener.directory
        self._deadline = time.monotonic() + self._start_seconds
        try:
            with (self._directory / "log").open("wb") as log:
                self._process = subprocess.Popen(  # noqa: S603 - our own argv, no shell
                    [*self._command.argv, str(self._directory)],
                    # What the child leaves in its TMPDIR goes with the directory.
                    env={
                        **self._command.environment,
                        LAUNCH_TAG: str(self._directory),
                        "TMPDIR": str(self._directory),
                    },
                    cwd=self._command.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C is ours alone, and killpg reaches children
                )
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
        launched = self._command.launched  # launchers may take their time
        self._tear_down(
            0.0 if kind is not None else _LAUNCHER_SECONDS if launched else _GRACE_SECONDS
        )

    def wait_for_hello(self) -> Child:
        """Wait for the Hello of every rank; the second time, it has come already.

        Raises:
            WorkerDiedError, WorkerTimeoutError, ProtocolError: if one of them does not come.
        """
        if self._channels is not None:
            return self
        unnamed: dict[int, Channel] = {}
        self._channels = RankChannels(unnamed)  # from now on, to be closed
        while len(unnamed) < self._command.ranks:
            unnamed[len(unnamed)] = self._accept()
        hellos = self._receive(Hello, None, "at its start")
        for hello in hellos:
            self._check(hello)
        self.world_size = hellos[0].world_size
        if len({hello.rank for hello in hellos}) != len(hellos) or self.world_size < len(hellos):
            raise ProtocolError(
                f"{self._label} should be {len(hellos)} ranks of one group, and says of itself: "
                + ", ".join(f"rank {hello.rank} of {hello.world_size}" for hello in hellos)
            )
        ranks = [hello.rank for hello in hellos]
        self._channels = RankChannels(dict(zip(ranks, unnamed.values(), strict=True)))
        self._known = True
        return self

    def _accept(self) -> Channel:
        assert self._process is not None
        while True:
            channel = self._listener.accept(_POLL_SECONDS)
            if channel is not None:
                return channel
            if self._process.poll() is not None:
                raise WorkerDiedError(self._exit_message("at its start"))
            if time.monotonic() > self._deadline:
                raise WorkerTimeoutError(self._timeout_message("at its start", self._start_seconds))

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
        """Send a command to all ranks; one that is gone is noticed when its answer is awaited."""
        assert self._channels is not None
        self._channels.send(message)

    def receive(self, kind: type[Answer], seconds: float, doing: str) -> list[Answer]:
        """Wait for one answer of each rank, in the order of ranks.

        Args:
            kind: the type of message that must come.
            seconds: the time-out.
            doing: what the child is at, for an error: ``in step 3 of 5``.

        Raises:
            WorkloadError: the user's code raised in the child.
            ConfigurationError: traingate refused there what it was asked for.
            WorkerDiedError: the child, or one of its ranks, ended.
            WorkerTimeoutError: the time-out has passed.
            ProtocolError: another message came.
        """
        return self._receive(kind, seconds, doing)

    def ask(self, message: Message, kind: type[Answer], seconds: float, doing: str) -> list[Answer]:
        """Send a command to all ranks and wait for their answers; errors as for ``receive``."""
        self.send(message)
        return self.receive(kind, seconds, doing)

    def ask_first(self, message: Message, kind: type[Answer], seconds: float, doing: str) -> Answer:
        """As ``ask``, of the lowest rank here alone."""
        assert self._channels is not None
        first = self._channels.ranks[:1]
        self._channels.send(message, first)
        return self._receive(kind, seconds, doing, first)[0]

    def _receive(
        self,
        kind: type[Answer],
        seconds: float | None,
        doing: str,
        ranks: Sequence[int] | None = None,
    ) -> list[Answer]:
        assert self._channels is not None
        patience = self._deadline - time.monotonic() if seconds is None else seconds
        answers = self._channels.receive(patience, ranks)
        if answers.gone:
            raise WorkerDiedError(self._exit_message(doing, answers.gone))
        for rank, failed in answers.failed.items():
            raise self._failure(rank, failed, doing)
        if answers.late:
            limit = self._start_seconds if seconds is None else seconds
            raise WorkerTimeoutError(self._timeout_message(doing, limit, answers.late))
        found: list[Answer] = []
        for _, message in sorted(answers.messages.items()):
            if not isinstance(message, kind):
                name = type(message).__name__
                raise ProtocolError(f"{self._label} answered {name} {doing}, not {kind.__name__}")
            found.append(message)
        return found

    def _who(self, ranks: Iterable[int]) -> str:
        numbers = ", ".join(map(str, ranks))
        grouped = self._command.ranks > 1 and self._known and numbers
        return f"rank {numbers} of {self._label}" if grouped else self._label

    def _failure(self, rank: int, failed: Failed, doing: str) -> TraingateError:
        who = self._who([rank])
        if not failed.traceback:
            return ConfigurationError(f"{who}, {doing}: {failed.message}")
        said = self._log_tail([rank])
        return WorkloadError(
            f"the workload raised in {who}, {doing}:\n\n{failed.traceback}\n{said}"
        )

    def _timeout_message(self, doing: str, seconds: float, ranks: Sequence[int] = ()) -> str:
        return (
            f"{self._who(ranks)} gave no answer within {seconds:g} s {doing}, and was ended. If it "
            f"only needs longer, raise --traingate-timeout.\n{self._log_tail(ranks)}"
        )

    def _exit_message(self, doing: str, ranks: Sequence[int] = ()) -> str:
        assert self._process is not None
        ending = "ended" if self._command.launched else describe_exit(self._process, _GRACE_SECONDS)
        said = self._log_tail(ranks)
        return f"{self._who(ranks)} {ending} {doing}, before it had reported.\n{said}"

    def _log_tail(self, ranks: Iterable[int]) -> str:
        """What ``ranks`` printed, or all of the group as long as nobody has said who it is."""
        return log_tail(self._directory, ranks if self._known else range(self._command.ranks))

    def _tear_down(self, grace: float) -> None:
        """End the child, its group, and whatever else carries its tag; then its directory."""
        if self._channels is not None:
            self._channels.close()  # a healthy child ends at once by itself
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                if grace:
                    self._process.wait(grace)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        _kill_tagged(str(self._directory))
        self._listener.close()


def _kill_tagged(tag: str) -> None:
    """Kill what a child started in a session of its own: killpg did not reach it."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(LAUNCH_TAG) == tag:
                process.kill()
                process.wait(_GRACE_SECONDS)
