"""Make the errors of a child: each names the child, its activity, and what it printed."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from traingate.controller.child_logs import ChildLogs
from traingate.controller.command import Command
from traingate.controller.exit_report import NOTHING_PRINTED, describe_exit
from traingate.errors import (
    ConfigurationError,
    EditedFileError,
    ProtocolError,
    TraingateError,
    WorkerDiedError,
    WorkerError,
    WorkerKilledError,
    WorkerTimeoutError,
    WorkloadError,
)
from traingate.protocol.channel import Listener
from traingate.protocol.messages import PROTOCOL_VERSION, Failed, Hello, Message
from traingate.protocol.shared_names import COMMAND_REFUSED, CONNECTION_ENDED

_EXIT_SECONDS: Final = 5.0
"""Longest wait for the end of a process whose connection has ended."""

_OWN_ENDS: Final[Mapping[str, str]] = {
    CONNECTION_ENDED: (
        "its connection to traingate's controller, which something in that process has shut down "
        "or closed, had ended"
    ),
    COMMAND_REFUSED: "it could not read a command of traingate's controller",
}
"""Reasons for which a child ends itself, by the files that tell of them."""


class ChildFailures:
    """Maker of the errors of one child.

    Args:
        command: Command of the child.
        label: Name of the child in messages, such as ``launch 2``.
        logs: Logs of the child.

    Attributes:
        ranks_are_known: True once each rank has sent its number; until then all logs are shown.
    """

    ranks_are_known = False

    def __init__(self, command: Command, label: str, logs: ChildLogs) -> None:
        self._command, self._label, self._logs = command, label, logs

    def log_tail(self, ranks: Iterable[int]) -> str:
        """Return the end of the logs of *ranks*; of all ranks until each has sent its rank."""
        shown_ranks = ranks if self.ranks_are_known else range(self._command.ranks)
        return self._logs.tail(shown_ranks)

    def reported(self, rank: int, failure: Failed, activity: str) -> TraingateError:
        """Return the error for an exception that a rank has reported."""
        name, log = self._name([rank]), self.log_tail([rank])
        if failure.traceback:
            return WorkloadError(
                f"the workload raised in {name}, {activity}:\n\n{failure.traceback}\n{log}"
            )
        message = f"{name}, {activity}: {failure.message}"
        if failure.error == EditedFileError.__name__:
            return EditedFileError(message)
        # What a dataset has printed may help; "It printed nothing" would not.
        return ConfigurationError(message if log == NOTHING_PRINTED else f"{message}\n{log}")

    def overdue(
        self,
        activity: str,
        seconds: float,
        ranks: Sequence[int] = (),
        call_stacks: Callable[[], str] = str,
    ) -> WorkerTimeoutError:
        """Return the error that ranks, or the child before it has connected, gave no answer.

        Args:
            activity: Activity of the child.
            seconds: Time limit.
            ranks: Ranks without an answer.
            call_stacks: Function that returns those of its threads, or an empty text. It is called
                last, since the child prints them into its log.
        """
        log = self.log_tail(ranks)
        return WorkerTimeoutError(
            f"{self._name(ranks)} gave no answer within {seconds:g} s {activity}, and was ended. "
            f"If it only needs longer, raise --traingate-timeout.\n"
            + "\n".join(filter(None, (log, call_stacks())))
        )

    def ended(
        self, process: subprocess.Popen[bytes], activity: str, ranks: Sequence[int] = ()
    ) -> WorkerDiedError:
        """Return the error that the child, or these ranks, ended before they had reported."""
        is_launched = self._command.launched
        ending = "ended" if is_launched else describe_exit(process, _EXIT_SECONDS)
        directory = self._logs.directory
        reasons = [text for name, text in _OWN_ENDS.items() if (directory / name).exists()]
        if reasons:
            ending = f"ended itself since {reasons[0]}"
        message = (
            f"{self._name(ranks)} {ending} {activity}, before it had reported.\n"
            f"{self.log_tail(ranks)}"
        )
        is_sigkill = process.returncode == -signal.SIGKILL
        was_killed = is_sigkill and not is_launched and not reasons
        return WorkerKilledError(message) if was_killed else WorkerDiedError(message)

    def damaged(self, rank: int, description: str, activity: str) -> ProtocolError:
        """Return the error that the answer of a rank is not a message."""
        return ProtocolError(
            f"{self._name([rank])} sent an answer {activity} that cannot be read, {description}. "
            "The workload, or a library that it uses, may have changed or written to the "
            f"connection.\n{self.log_tail([rank])}"
        )

    @contextlib.contextmanager
    def naming_child(self, activity: str) -> Iterator[None]:
        """Name the child in the error of a command that is too large to be sent to it."""
        try:
            yield
        except ConfigurationError as error:
            raise ConfigurationError(f"{self._label}, {activity}: {error}") from error

    def unexpected(
        self, rank: int, message: Message, activity: str, expected: str = ""
    ) -> ProtocolError:
        """Return the error that a rank has sent another message than was expected.

        Args:
            rank: Rank.
            message: Message.
            activity: Activity of the child.
            expected: Name of the expected message; empty if none was expected.
        """
        instead = f"not {expected}" if expected else "without being asked for it"
        return ProtocolError(
            f"{self._name([rank])} answered {type(message).__name__} {activity}, {instead}. "
            "Something in that process has sent a message besides traingate.\n"
            f"{self.log_tail([rank])}"
        )

    def check_group(self, hellos: Sequence[Hello]) -> None:
        """Check the first messages of all ranks.

        Raises:
            ProtocolError: If a rank uses another version of the protocol, or if the ranks are not
                those of one group.
        """
        for hello in hellos:
            if hello.version != PROTOCOL_VERSION:
                raise ProtocolError(
                    f"{self._label}, at its start: it speaks version {hello.version} of the "
                    f"protocol, and this controller {PROTOCOL_VERSION}. Install one version of "
                    f"pytest-traingate.\n{self.log_tail([])}"
                )
        ranks = {hello.rank for hello in hellos}
        if len(ranks) < len(hellos) or hellos[0].world_size < len(hellos):
            raise ProtocolError(
                f"{self._label}, at its start: it should be {len(hellos)} ranks of one group, but "
                "reported "
                + ", ".join(f"rank {hello.rank} of {hello.world_size}" for hello in hellos)
                + f".\n{self.log_tail([])}"
            )

    def _name(self, ranks: Iterable[int]) -> str:
        """Return the name of *ranks* in error messages, or the child's if they are not known."""
        numbers = ", ".join(map(str, ranks))
        names_ranks = self._command.ranks > 1 and self.ranks_are_known and numbers
        return f"rank {numbers} of {self._label}" if names_ranks else self._label


def not_started(label: str, error: Exception) -> WorkerError:
    """Return the error for a lack of descriptors, processes or space in pytest's own process."""
    return WorkerError(f"{label} could not be started: {type(error).__name__}: {error}")


def open_listener(label: str) -> Listener:
    """Return the socket on which a child of this name will connect.

    Raises:
        WorkerError: If it cannot be made, as if a test has replaced the sockets of this process.
    """
    try:
        return Listener()
    except Exception as error:
        raise not_started(label, error) from error
