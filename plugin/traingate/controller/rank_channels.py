"""Send a message to all ranks of a child, and collect one answer from each."""

from __future__ import annotations

import contextlib
import math
import select
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from traingate.errors import ProtocolError
from traingate.protocol.channel import Channel
from traingate.protocol.messages import Failed, Message
from traingate.untrusted.clock import running_time

_AFTER_FAILURE_SECONDS: Final = 2.0
"""Longest wait for the other ranks after one has raised. When a rank dies, the others raise, and
the end of its own connection may be noticed only after that."""

_CHECK_SECONDS: Final = 1.0
"""Interval of the checks whether the child still runs: a process that it has forked may keep its
connection open. It is also the longest wait without a return to the interpreter: if two signals
come at once, the kernel may give both to a thread that is not waiting here, and only the main
thread runs their handlers."""

_MAX_DISCARDED: Final = 100
"""Largest number of messages that are read to find out whether a connection has ended."""

_DISCARD_SECONDS: Final = 2.0
"""Longest time in which they are read."""


@dataclass(frozen=True)
class Answers:
    """Answers of the ranks, or the reason why they are not complete.

    Attributes:
        messages: Answers by rank.
        ended_ranks: Ranks whose connection ended, including ranks that the launcher ended because
            another rank had ended.
        overdue_ranks: Ranks that did not answer within the time limit.
        damaged: Descriptions of answers that were not messages, by rank.
    """

    messages: dict[int, Message] = field(default_factory=dict)
    ended_ranks: tuple[int, ...] = ()
    overdue_ranks: tuple[int, ...] = ()
    damaged: dict[int, str] = field(default_factory=dict)

    @property
    def failures(self) -> dict[int, Failed]:
        """Return the messages of ranks in which an exception was raised, by rank."""
        return {
            rank: message for rank, message in self.messages.items() if isinstance(message, Failed)
        }


class RankChannels:
    """Channels to the ranks of one child.

    Args:
        channels: Channels by rank.
    """

    def __init__(self, channels: Mapping[int, Channel]) -> None:
        self._channels = channels

    @property
    def ranks(self) -> tuple[int, ...]:
        """Return the ranks of this child, lowest first."""
        return tuple(sorted(self._channels))

    def send(self, message: Message, ranks: Iterable[int] | None = None) -> None:
        """Send a command; ``receive`` reports a rank whose connection is closed.

        Args:
            message: Command.
            ranks: Ranks that receive it; None for all.

        Raises:
            ConfigurationError: If the command is too large.
        """
        for rank in self.ranks if ranks is None else ranks:
            with contextlib.suppress(OSError):
                self._channels[rank].send(message)

    def unasked(self, ranks: Iterable[int] | None = None) -> Answers:
        """Return a message of each rank that has sent one although no answer was awaited.

        Args:
            ranks: Ranks to look at; None for all.
        """
        reader = _Reader(self._channels)
        for rank in self.ranks if ranks is None else ranks:
            with contextlib.suppress(OSError):
                if self._channels[rank].poll(0):
                    reader.read(rank)
        return Answers(reader.messages, damaged=reader.damaged)

    def receive(
        self,
        seconds: float,
        ranks: Iterable[int] | None = None,
        is_running: Callable[[], bool] = lambda: True,
    ) -> Answers:
        """Collect one message from each rank.

        The wait ends early if a connection ends, and soon after a rank has failed. Time for which
        this process was stopped does not count: the child may have been stopped too.

        Args:
            seconds: Time limit for all messages together.
            ranks: Ranks that have to answer; None for all.
            is_running: Function that is called now and then in a long wait, and returns False if
                the child has ended.
        """
        pending_ranks = set(self.ranks if ranks is None else ranks)
        reader = _Reader(self._channels)
        deadline = running_time() + seconds
        # When one rank ends, its launcher ends the others.
        while pending_ranks and not reader.ended_ranks:
            ready_ranks, runs = self._wait_while_running(pending_ranks, deadline, is_running)
            if not ready_ranks:
                reader.ended_ranks |= set() if runs else pending_ranks
                break
            for rank in ready_ranks:
                pending_ranks.discard(rank)
                if isinstance(reader.read(rank), Failed) or reader.damaged:
                    deadline = min(deadline, running_time() + _AFTER_FAILURE_SECONDS)
        ended_ranks = reader.ended_ranks
        ended_ranks |= {rank for rank in self.ranks if ended_ranks and self._has_ended(rank)}
        if ended_ranks or any(isinstance(each, Failed) for each in reader.messages.values()):
            pending_ranks = set()  # their answers are missing because of the other ranks
        return Answers(
            reader.messages,
            tuple(sorted(ended_ranks)),
            tuple(sorted(pending_ranks)),
            reader.damaged,
        )

    def close(self) -> None:
        """Close all channels; the ranks then end by themselves."""
        for channel in self._channels.values():
            channel.close()

    def _has_ended(self, rank: int) -> bool:
        """Return whether the connection of *rank* has ended; discard messages that came before."""
        channel = self._channels[rank]
        deadline = running_time() + _DISCARD_SECONDS
        try:
            for _ in range(_MAX_DISCARDED):
                remaining = deadline - running_time()
                if remaining <= 0 or not channel.poll(0):
                    break
                channel.receive(remaining)
        except (EOFError, OSError):
            return True
        except ProtocolError:
            pass
        return False

    def _wait_while_running(
        self, ranks: Iterable[int], deadline: float, is_running: Callable[[], bool]
    ) -> tuple[list[int], bool]:
        """Return those of *ranks* that can be read, and whether the child still runs.

        There are none if *deadline* has passed, or if the child has ended without a last message.
        """
        while True:
            ready_ranks = self._wait(ranks, min(deadline - running_time(), _CHECK_SECONDS))
            if ready_ranks:
                return ready_ranks, True
            if not is_running():
                return self._wait(ranks, 0.0), False
            if running_time() >= deadline:
                return [], True

    def _wait(self, ranks: Iterable[int], seconds: float) -> list[int]:
        """Return those of *ranks* whose channel can be read within *seconds*; empty if none."""
        by_channel = {self._channels[rank].fileno(): rank for rank in ranks}
        poll = select.poll()  # multiprocessing.connection.wait reads a clock that tests can stop
        for number in by_channel:
            poll.register(number, select.POLLIN)
        events = poll.poll(math.ceil(max(0.0, seconds) * 1000))
        return [by_channel[number] for number, _ in events]


class _Reader:
    """Reader of one message from each of several channels.

    Args:
        channels: Channels by rank.

    Attributes:
        messages: Messages by rank.
        damaged: Descriptions of what was not a message, by rank.
        ended_ranks: Ranks whose connection has ended.
    """

    def __init__(self, channels: Mapping[int, Channel]) -> None:
        self._channels = channels
        self.messages: dict[int, Message] = {}
        self.damaged: dict[int, str] = {}
        self.ended_ranks: set[int] = set()

    def read(self, rank: int) -> Message | None:
        """Read the next message of a rank, and return it; None if there is none."""
        try:
            self.messages[rank] = self._channels[rank].receive()
        except (EOFError, OSError):
            self.ended_ranks.add(rank)
        except ProtocolError as error:
            self.damaged[rank] = str(error)
        return self.messages.get(rank)
