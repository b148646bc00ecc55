"""What is said with the ranks of one child: a message to all, and one answer from each."""

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

_ECHO_SECONDS: Final = 2.0
"""A rank that dies makes the others raise, and its own end may come to light a moment later."""


@dataclass(frozen=True)
class Answers:
    """What came back, by rank: answers, or the reason why they are not complete.

    Attributes:
        messages: the answers that came.
        gone: ranks whose connection ended; where a launcher ended the others after the first,
            some of those may be among them.
        late: ranks that did not answer in time.
    """

    messages: dict[int, Message] = field(default_factory=dict)
    gone: tuple[int, ...] = ()
    late: tuple[int, ...] = ()

    @property
    def failed(self) -> dict[int, Failed]:
        """Ranks in which something raised."""
        return {
            rank: message for rank, message in self.messages.items() if isinstance(message, Failed)
        }


class RankChannels:
    """The channels to the ranks of one child, by rank."""

    def __init__(self, channels: Mapping[int, Channel]) -> None:
        self._channels = channels

    @property
    def ranks(self) -> tuple[int, ...]:
        """The ranks of this child, lowest first."""
        return tuple(sorted(self._channels))

    def send(self, message: Message, ranks: Iterable[int] | None = None) -> None:
        """Send a command; a rank that is gone is noticed when its answer is awaited."""
        for rank in self.ranks if ranks is None else ranks:
            with contextlib.suppress(OSError):
                self._channels[rank].send(message)

    def receive(self, seconds: float, ranks: Iterable[int] | None = None) -> Answers:
        """Wait for one message of each rank, or for the first sign that one will not come.

        Args:
            seconds: the longest wait.
            ranks: who is to answer; all by default.
        """
        pending = set(self.ranks if ranks is None else ranks)
        messages: dict[int, Message] = {}
        gone: set[int] = set()
        deadline = time.monotonic() + seconds
        while pending and not gone:  # soon after one has gone, its launcher ends the others
            ready = self._ready(pending, deadline - time.monotonic())
            if not ready:
                break
            for rank in ready:
                pending.discard(rank)
                try:
                    messages[rank] = self._channels[rank].receive()
                except (EOFError, OSError):
                    gone.add(rank)
                if isinstance(messages.get(rank), Failed):
                    deadline = min(deadline, time.monotonic() + _ECHO_SECONDS)
        gone |= {rank for rank in self.ranks if gone and self._has_ended(rank)}
        failing = bool(gone) or any(isinstance(message, Failed) for message in messages.values())
        return Answers(messages, tuple(sorted(gone)), () if failing else tuple(sorted(pending)))

    def close(self) -> None:
        """Close all channels; the ranks end by themselves."""
        for channel in self._channels.values():
            channel.close()

    def _has_ended(self, rank: int) -> bool:
        """Whether this rank is gone by now; what it had answered before is read, and dropped."""
        channel = self._channels[rank]
        try:
            while channel.poll(0):
                channel.receive()
        except (EOFError, OSError):
            return True
        except ProtocolError:
            pass
        return False

    def _ready(self, ranks: Iterable[int], seconds: float) -> list[int]:
        by_channel = {self._channels[rank].fileno(): rank for rank in ranks}
        return [by_channel[number] for number in wait(list(by_channel), max(0.0, seconds))]  # type: ignore[index]
