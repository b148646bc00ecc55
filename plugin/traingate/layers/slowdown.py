"""A slowdown on purpose: to see what a gate finds."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from traingate.layers.base import BaseLayer, StepBody, Training

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class InjectedSlowdown(BaseLayer):
    """Makes the body of each step (forward, loss, backward, optimizer) slower by a known share.

    The time is spent by one busy core, in proportion to what the body itself has just taken: it
    shares the machine's fate, as slower code would.

    Attributes:
        percent: of throughput that is lost.
    """

    percent: float
    name = "injected_slowdown"
    order = 10_000

    def apply(self, training: Training) -> None:
        """Wrap the step, outside of all other wrappers."""
        longer = 1 / (1 - self.percent / 100)

        def slow(body: StepBody) -> StepBody:
            def step(batch: Any) -> torch.Tensor:
                started = time.perf_counter()
                loss = body(batch)
                until = started + longer * (time.perf_counter() - started)
                while time.perf_counter() < until:
                    pass
                return loss

            return step

        training.step_wrappers.append(slow)
