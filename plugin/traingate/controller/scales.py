"""Define the scales of a measurement: size of the workload, number of launches and of steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Scale:
    """Size of a measurement.

    Attributes:
        name: Name, passed to a workload that has a parameter ``scale``.
        launches: Planned launches per measurement.
        steps: Smallest number of measured steps per launch.
        seconds: Shortest total time of the measured steps of a launch, in seconds. A model of short
            steps takes more of them, since five steps of a few milliseconds would measure noise.
        warmup_steps: Smallest number of unmeasured steps after the first one.
    """

    name: str
    launches: int
    steps: int
    seconds: float
    warmup_steps: int

    def steps_for(self, step_seconds: float) -> int:
        """Return the number of steps to measure in a launch whose steps take *step_seconds*."""
        steps = math.ceil(self.seconds / step_seconds)
        return max(self.steps, min(steps, MAX_STEPS))


MAX_STEPS: Final = 2000
"""Largest number of steps that ``steps_for`` raises a launch to. More steps of one launch give no
further information, and would enlarge the record."""

SCALES: Final = {
    "smoke": Scale("smoke", launches=2, steps=5, seconds=0.0, warmup_steps=1),
    "quick": Scale("quick", launches=3, steps=5, seconds=2.0, warmup_steps=1),
    # The size of the article (docs/evidence/layers.md), which takes 100 steps and skips ten.
    "seed": Scale("seed", launches=3, steps=90, seconds=0.0, warmup_steps=9),
}

DEFAULT_SCALE: Final = "quick"
