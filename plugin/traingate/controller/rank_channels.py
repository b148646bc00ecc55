"""Send a message to all ranks of a child, and collect one answer from each."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import Final

from traingate.errors import ProtocolError
from traingate.protocol.channel import Channel
from traingate.protocol.messages import Failed, Message

_AFTER_FAILURE_SECONDS: Final = 2.0
"""Longest wait for the other ranks after one has raised. When a rank dies, the others raise, and
the end of its own connection may be noticed only after that."""

_UNINTERRUPTED_SECONDS: Final = 1.0
"""Longest wait without a return to the interpreter. If two signals come at once, the kernel may
give both to a thread that is not waiting here, and only the main thread runs their handlers."""


@dataclass(frozen=True)
class Answers:
    """Answers of the ranks, or the reason why they are not complete.

    Attributes:
        messages: Answers by rank.
        ended_ranks: Ranks whose connection ended, including ranks that the launcher ended because
            another rank had ended.
        overdue_ranks: Ranks that did not answer within the time limit.
    """

    messages: dict[int, Message] = field(default_factory=dict)
    ended_ranks: tuple[int, ...] = ()
    overdue_ranks: tuple[int, ...] = ()

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
        """
        for rank in self.ranks if ranks is None else ranks:
            with contextlib.suppress(OSError):
                self._channels[rank].send(message)

    def receive(self, seconds: float, ranks: Iterable[int] | None = None) -> Answers:
        """Collect one message from each rank.

        The wait ends early if a connection ends, and soon after a rank has failed.

        Args:
            seconds: Time limit for all messages together.
            ranks: Ranks that have to answer; None for all.
        """
        pending_ranks = set(self.ranks if ranks is None else ranks)
        messages: dict[int, Message] = {}
        ended_ranks: set[int] = set()
        deadline = time.monotonic() + seconds
        while pending_ranks and not ended_ranks:  # when one rank ends, its launcher ends the others
            ready_ranks = self._wait(pending_ranks, deadline - time.monotonic())
            if not ready_ranks:
                break
            for rank in ready_ranks:
                pending_ranks.discard(rank)
                try:
                    messages[rank] = self._channels[rank].receive()
                except (EOFError, OSError):
                    ended_ranks.add(rank)
                if isinstance(messages.get(rank), Failed):
                    deadline = min(deadline, time.monotonic() + _AFTER_FAILURE_SECONDS)
        ended_ranks |= {rank for rank in self.ranks if ended_ranks and self._has_ended(rank)}
        if ended_ranks or any(isinstance(message, Failed) for message in messages.values()):
            pending_ranks = set()  # their answers are missing because of the other ranks
        return Answers(messages, tuple(sorted(ended_ranks)), tuple(sorted(pending_ranks)))

    def close(self) -> None:
        """Close all channels; the ranks then end by themselves."""
        for channel in self._channels.values():
            channel.close()

    def _has_ended(self, rank: int) -> bool:
        """Return whether the connection of *rank* has ended; discard messages that came before."""
        channel = self._channels[rank]
        try:
            while channel.poll(0):
                channel.receive()
        except (EOFError, OSError):
            return True
        except ProtocolError:
            pass
        return False

    def _wait(self, ranks: Iterable[int], seconds: float) -> list[int]:
        """Return those of *ranks* whose channel can be read within *seconds*; empty if none."""
        by_channel = {self._channels[rank].fileno(): rank for rank in ranks}
        deadline = time.monotonic() + seconds
        while True:
            remaining = max(0.0, deadline - time.monotonic())
            ready = wait(list(by_channel), min(remaining, _UNINTERRUPTED_SECONDS))
            if ready or remaining <= _UNINTERRUPTED_SECONDS:
                return [by_channel[number] for number in ready]  # type: ignore[index]
