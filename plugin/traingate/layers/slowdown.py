"""Define a layer that slows steps down by a known share, to test whether a gate detects it."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from traingate.layers.base import BaseLayer
from traingate.layers.training import StepBody, Training

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class InjectedSlowdown(BaseLayer):
    """Layer that makes the body of steps (forward, loss, backward, optimizer) slower.

    One core is busy for a time in proportion to the time that the body has just taken. So a
    slowdown of the machine lengthens it too, as it would for slower code.

    Attributes:
        percent: Share of the body's throughput lost, in percent, at least 0 and below 100.
        every: Distance of the slow steps, which carry the whole loss; 1 for all steps.
    """

    percent: float
    every: int = 1
    name = "injected_slowdown"
    order = 10_000

    def apply(self, training: Training) -> None:
        """Wrap the body of the step, outside of all other wrappers."""
        extra_time = self.every * (1 / (1 - self.percent / 100) - 1)
        numbers = itertools.count(1)

        def slow(body: StepBody) -> StepBody:
            def step(batch: Any) -> torch.Tensor:
                started = time.perf_counter()
                loss = body(batch)
                if next(numbers) % self.every:
                    return loss
                deadline = started + (1 + extra_time) * (time.perf_counter() - started)
                while time.perf_counter() < deadline:
                    pass
                return loss

            return step

        training.step_wrappers.append(slow)
