"""A child process of one or more ranks: start it, exchange messages with it, and end it.

Ending a child also ends every process that it started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Final, TypeVar

from traingate.controller.call_stacks import is_worker, printed_call_stacks
from traingate.controller.child_failures import ChildFailures, not_started, open_listener
from traingate.controller.child_logs import ChildLogs
from traingate.controller.command import Command
from traingate.controller.freezing import ProcessTree
from traingate.controller.orphans import OrphanGuard
from traingate.controller.rank_channels import Answers, RankChannels
from traingate.controller.shared_memory import remove_unused, shared_memory_of
from traingate.controller.tagged_processes import kill_tagged, wait_for_trackers
from traingate.protocol.channel import Channel
from traingate.protocol.messages import Hello, Message
from traingate.untrusted.clock import running_time, wait_for_exit

_GRACE_SECONDS: Final = 5.0
"""Longest wait for a child to end by itself before it is killed."""

_LAUNCHER_GRACE_SECONDS: Final = 1.0
"""The same for a child under a launcher, which may wait for its own helper processes."""

_WAITING: Final = "while it waited for a command"
"""Activity of a child that reports something before the next command, for error messages."""

_POLL_SECONDS: Final = 0.2
"""Interval of the checks whether a child that has not connected yet is still alive."""

Answer = TypeVar("Answer", bound=Message)


class Child:
    """A running child process, as a context manager that leaves no process and no file behind.

    Entering it starts the process and returns at once; ``wait_for_hello`` waits until it can work.

    Args:
        command: Command to start.
        label: Name of the child in error messages, such as ``launch 2``.
        start_seconds: Longest time until the child sends Hello.

    Attributes:
        directory: Private directory for its temporary files, which is removed at the end.
        world_size: Number of ranks in the whole group, which may span other nodes.
        output: Text that the child and its ranks printed; empty until it has ended.
    """

    world_size = 1
    output = ""

    def __init__(self, command: Command, label: str, start_seconds: float) -> None:
        self._command = command
        self._label = label
        self._start_seconds = start_seconds
        self._channels: RankChannels | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._tree: ProcessTree | None = None
        self._guard: OrphanGuard | None = None

    def __enter__(self) -> Child:
        self._listener = open_listener(self._label)
        self.directory = self._listener.directory
        self._logs = ChildLogs(self.directory, self._command.rank_logs)
        self._failures = ChildFailures(self._command, self._label, self._logs)
        self._start_time = time.time()
        self._deadline = running_time() + self._start_seconds
        try:
            with self._logs.created() as log:
                self._process = subprocess.Popen(  # noqa: S603 - our own argv, no shell
                    [*self._command.argv, str(self.directory)],
                    env=self._command.environment_in(self.directory),
                    cwd=self._command.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # so that Ctrl-C does not reach it, but killpg does
                )
            is_launched = self._command.launched
            self._tree = ProcessTree(self._process.pid, leader_continues_group=not is_launched)
            self._guard = OrphanGuard(self._process.pid, str(self.directory), self.directory)
        except BaseException as error:
            self._tear_down(grace=0.0)
            if isinstance(error, Exception):  # a test may have replaced Popen
                raise not_started(self._label, error) from error
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        grace = _LAUNCHER_GRACE_SECONDS if self._command.launched else _GRACE_SECONDS
        self._tear_down(0.0 if kind is not None else grace)

    def wait_for_hello(self) -> Child:
        """Wait for the Hello of every rank, and return this child; a repeated call does nothing.

        Raises:
            WorkerDiedError: If the child ends before its Hello.
            WorkerTimeoutError: If ``start_seconds`` pass before its Hello.
            WorkloadError, ConfigurationError: If the child reports an exception instead.
            ProtocolError: If a rank uses another version of the protocol, or the ranks are not
                those of one group.
        """
        if self._channels is not None:
            return self
        channels: dict[int, Channel] = {}
        self._channels = RankChannels(channels)  # so that tearing down closes them
        while len(channels) < self._command.ranks:
            channels[len(channels)] = self._accept()
        hellos = self.receive(Hello, None, "at its start")
        self._logs.find()  # before the workload runs, which can remove their names
        self._failures.check_group(hellos)
        self.world_size = hellos[0].world_size
        ranks = [hello.rank for hello in hellos]
        self._channels = RankChannels(dict(zip(ranks, channels.values(), strict=True)))
        self._failures.ranks_are_known = True
        return self

    def _accept(self) -> Channel:
        assert self._process is not None
        while True:
            channel = self._listener.accept(_POLL_SECONDS)
            if channel is not None:
                return channel
            if self._process.poll() is not None:
                raise self._failures.ended(self._process, "at its start")
            if running_time() > self._deadline:
                seconds = self._start_seconds
                raise self._failures.overdue("at its start", seconds, call_stacks=self._call_stacks)
            self._logs.cut()

    @property
    def pid(self) -> int:
        """Return the process id of the command that was started."""
        assert self._process is not None
        return self._process.pid

    @property
    def ranks(self) -> tuple[int, ...]:
        """Return the ranks of this node, lowest first; empty until they have connected."""
        return self._channels.ranks if self._channels is not None else ()

    def log_end(self) -> str:
        """Return the last lines that the child has printed, for an error message."""
        return self._failures.log_tail(self.ranks)

    def freeze(self) -> bool:
        """Stop all processes of the child until the next command is sent to it.

        Returns:
            True if none of them can run any more.
        """
        assert self._tree is not None
        is_frozen = self._tree.freeze()
        self._logs.cut()
        return is_frozen

    def send(
        self, message: Message, activity: str = _WAITING, ranks: Sequence[int] | None = None
    ) -> None:
        """Send a command; ``receive`` reports a rank whose connection is closed.

        Args:
            message: Command.
            activity: Activity that the command starts, for error messages.
            ranks: Ranks that receive it; None for all.

        Raises:
            ProtocolError: If a rank has sent a message that it was not asked for.
            WorkloadError, ConfigurationError: If a rank has failed, or the command is too large.
        """
        assert self._channels is not None
        assert self._tree is not None
        answers = self._channels.unasked(ranks)
        self._check(answers, activity)
        for rank, unasked in answers.messages.items():
            raise self._failures.unexpected(rank, unasked, activity)
        with self._failures.naming_child(activity):
            self._channels.send(message, ranks)
        self._tree.thaw()

    def receive(
        self,
        kind: type[Answer],
        seconds: float | None,
        activity: str,
        ranks: Sequence[int] | None = None,
    ) -> list[Answer]:
        """Wait for one answer from each rank, and return them in the order of ranks.

        Args:
            kind: Expected type of message.
            seconds: Time limit; None for that of the child's start.
            activity: Activity of the child, for error messages: ``in step 3 of 5``.
            ranks: Ranks that have to answer; None for all.

        Raises:
            WorkloadError: If the user's code raised in the child.
            ConfigurationError: If traingate's code in the child refused the request.
            WorkerDiedError: If the child, or one of its ranks, ended.
            WorkerTimeoutError: If the time limit passed.
            ProtocolError: If a message of another type came.
        """
        assert self._channels is not None
        remaining = self._deadline - running_time() if seconds is None else seconds
        answers = self._channels.receive(remaining, ranks, self._is_running)
        self._logs.cut_when_due()
        self._check(answers, activity)
        if overdue_ranks := answers.overdue_ranks:
            limit = self._start_seconds if seconds is None else seconds
            raise self._failures.overdue(activity, limit, overdue_ranks, self._call_stacks)
        typed_messages: list[Answer] = []
        for rank, message in sorted(answers.messages.items()):
            if not isinstance(message, kind):
                raise self._failures.unexpected(rank, message, activity, kind.__name__)
            typed_messages.append(message)
        return typed_messages

    def ask(
        self, message: Message, kind: type[Answer], seconds: float, activity: str
    ) -> list[Answer]:
        """Send a command to all ranks, and return their answers; raises as ``receive`` does."""
        self.send(message, activity)
        return self.receive(kind, seconds, activity)

    def ask_first(
        self, message: Message, kind: type[Answer], seconds: float, activity: str
    ) -> Answer:
        """Send a command to the lowest rank of this node only, and return its answer."""
        assert self._channels is not None
        first = self._channels.ranks[:1]
        self.send(message, activity, first)
        return self.receive(kind, seconds, activity, first)[0]

    def _check(self, answers: Answers, activity: str) -> None:
        """Raise the error of a rank that has ended, failed, or sent no message."""
        assert self._process is not None
        if answers.ended_ranks:
            raise self._failures.ended(self._process, activity, answers.ended_ranks)
        for rank, failure in answers.failures.items():
            raise self._failures.reported(rank, failure, activity)
        for rank, description in answers.damaged.items():
            raise self._failures.damaged(rank, description, activity)

    def _is_running(self) -> bool:
        """Return whether the command still runs; meanwhile keep its logs from filling the disk."""
        assert self._process is not None
        self._logs.cut()
        return self._process.poll() is None

    def _call_stacks(self) -> str:
        """Return the call stacks of the threads of all processes that can print them."""
        assert self._tree is not None
        pids = [process.pid for process in self._tree.known_processes() if is_worker(process)]
        if not self._command.launched:  # a launcher does something else at this signal
            pids.insert(0, self.pid)
        return printed_call_stacks(pids, self._logs)

    def _tear_down(self, grace: float) -> None:
        """End the child, its group and all that it has started, and remove its directory."""
        # Before they lose their parent.
        descendants = self._tree.known_processes() if self._tree is not None else []
        tag, pids = str(self.directory), [process.pid for process in descendants]
        shared_files = shared_memory_of([*pids, self._process.pid] if self._process else pids)
        if self._channels is not None:
            self._channels.close()  # a child that is not stuck ends at once by itself
        if self._process is not None:
            if grace and not (self._tree and self._tree.is_frozen):
                wait_for_exit(self._process, grace)
            if self._process.poll() is not None:
                wait_for_trackers(tag, self._start_time)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            kill_tagged(tag, self._start_time, descendants)
            remove_unused(shared_files)
            self.output = self._logs.printed_text()
        else:  # a signal may have come before the number of the process was known here
            with contextlib.suppress(OSError):  # of /proc, if no descriptor is left
                kill_tagged(tag, self._start_time, descendants)
        self._logs.close()
        self._listener.close()
        if self._guard is not None:
            self._guard.close()
