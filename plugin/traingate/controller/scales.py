"""The sizes of a measurement: how large a workload, how many launches of how many steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Scale:
    """One size of measurement.

    Attributes:
        name: given to a workload that has a ``scale`` parameter.
        launches: planned per measurement.
        steps: measured per launch, at least.
        seconds: of measured steps per launch, at least: a model of short steps takes more of
            them, since five of a few milliseconds would be noise.
        warmup_steps: after the first step, at least.
    """

    name: str
    launches: int
    steps: int
    seconds: float
    warmup_steps: int

    def steps_for(self, step_seconds: float) -> int:
        """How many steps to measure in a launch whose steps take ``step_seconds``."""
        wanted = math.ceil(self.seconds / step_seconds)
        return max(self.steps, min(wanted, MOST_STEPS))


MOST_STEPS: Final = 2000
"""More steps of one launch tell nothing new, and would swell the record."""

SCALES: Final = {
    "smoke": Scale("smoke", launches=2, steps=5, seconds=0.0, warmup_steps=1),
    "quick": Scale("quick", launches=3, steps=5, seconds=2.0, warmup_steps=1),
    # The article times 100 steps and skips the first ten.
    "seed": Scale("seed", launches=3, steps=90, seconds=0.0, warmup_steps=9),
}

DEFAULT_SCALE: Final = "quick"
