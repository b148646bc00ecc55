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
        period_seconds: Time up to which a launch takes 40 steps, so that it shows a slowdown in
            every 20th step too; with longer steps, it takes as many of the 40 as fit.
        warmup_steps: Smallest number of unmeasured steps after the first one.
    """

    name: str
    launches: int
    steps: int
    seconds: float
    period_seconds: float
    warmup_steps: int

    def steps_for(self, step_seconds: float, epoch_steps: int | None = None) -> int:
        """Return the number of steps to measure in a launch.

        Args:
            step_seconds: Duration of one step, in seconds.
            epoch_steps: Number of steps of an epoch; None if it is not known.
        """
        steps = math.ceil(self.seconds / step_seconds)
        fitting_steps = periodic_steps(int(self.period_seconds / step_seconds), epoch_steps)
        return max(self.steps, fitting_steps, min(steps, MAX_STEPS))


def periodic_steps(fitting_steps: int, epoch_steps: int | None = None) -> int:
    """Return a number of steps in which periodic slow steps have the share of a long training.

    It is about 40: whole epochs if an epoch is that short, else a multiple of 20, which has as many
    of every 2nd, 5th, 10th and 20th step as a long training.

    Args:
        fitting_steps: Number of steps that fit into the time; fewer are returned if it is small.
        epoch_steps: Number of steps of an epoch; None if it is not known.
    """
    if epoch_steps and epoch_steps <= min(_PERIODIC_STEPS, fitting_steps):
        epochs = min(round(_PERIODIC_STEPS / epoch_steps), fitting_steps // epoch_steps)
        return epochs * epoch_steps
    if fitting_steps < PERIOD:
        return fitting_steps
    return min(_PERIODIC_STEPS, fitting_steps - fitting_steps % PERIOD)


PERIOD: Final = 20
"""Longest distance of periodic slow steps that a launch is meant to show."""

_PERIODIC_STEPS: Final = 40
"""Number of steps of one launch in which every 20th step comes twice."""


MAX_STEPS: Final = 2000
"""Largest number of steps that ``steps_for`` raises a launch to. More steps of one launch give no
further information, and would enlarge the record."""

SCALES: Final = {
    "smoke": Scale("smoke", launches=2, steps=5, seconds=0.0, period_seconds=0.0, warmup_steps=1),
    "quick": Scale("quick", launches=3, steps=5, seconds=2.0, period_seconds=6.0, warmup_steps=1),
    # The size of the article (docs/evidence/layers.md), which takes 100 steps and skips ten.
    "seed": Scale("seed", launches=3, steps=90, seconds=0.0, period_seconds=0.0, warmup_steps=9),
}

DEFAULT_SCALE: Final = "quick"
