"""Decide how many launches of a race fit into memory together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from traingate.host.memory import available_bytes
from traingate.records.race import Candidate, Race

_MARGIN: Final = 1.25
"""Factor by which a launch may need more memory than those that were measured."""

LEAST_TOGETHER: Final = 2
"""Smallest number of launches that can race."""


class Shortage(Enum):
    """Shortage of memory while a heat was measured, by which the kernel has killed a process."""

    NONE = "none"
    OF_MANY = "fewer launches can run together, so that no candidate is to blame"
    OF_FEW = "so few launches ran that the killed one is to blame"


@dataclass
class LaunchMemory:
    """Memory of the launches of a race.

    Attributes:
        launch_limit: Largest number of launches together, since more have once run out of memory;
            infinite before that.
    """

    launch_limit: float = math.inf

    def capacity(self, race: Race) -> int:
        """Return how many launches of the candidates that are left fit into memory together."""
        peaks = [_bytes(race, number) for number in race.measured - race.ended]
        largest = max([race.plain.peak_memory_bytes or 0, *peaks])
        return int(min(self.launch_limit, available_bytes() / (_MARGIN * max(1, largest))))

    def fitting(self, race: Race, numbers: Sequence[int]) -> int:
        """Return how many of the first candidates fit into memory together, at least two.

        Args:
            race: Race so far.
            numbers: Indexes of the candidates of a heat.
        """
        left, count = available_bytes() / _MARGIN, 0
        for number in numbers:
            left -= _bytes(race, number)
            if left < 0 and count >= LEAST_TOGETHER:
                break
            count += 1
        return count

    def note_shortage(self, launches: int) -> Shortage:
        """Note that this many launches together ran out of memory, and return whose fault it is."""
        self.launch_limit = max(LEAST_TOGETHER, launches // 2)
        return Shortage.OF_MANY if launches > LEAST_TOGETHER else Shortage.OF_FEW


def _bytes(race: Race, candidate: int) -> int:
    """Return the memory that a launch needs: its peak so far, else what follows from plain's."""
    peaks = [
        launch.peak_bytes
        for heat in race.heats
        for launch in heat.launches
        if launch.candidate == candidate
    ]
    return max(peaks, default=0) or int(_expected_bytes(race, race.candidates[candidate]))


def _expected_bytes(race: Race, candidate: Candidate) -> float:
    """Return the memory that a candidate needs as plain does, for each rank and its batch size."""
    sizes = [layer.options.get("samples") for layer in candidate.layers if layer.name == _SIZE]
    batch_size = next((size for size in sizes if isinstance(size, int)), race.plain.batch_size)
    larger = max(1.0, batch_size / race.plain.batch_size)
    return candidate.ranks * larger * (race.plain.peak_memory_bytes or 0)


_SIZE: Final = "batch_size"
