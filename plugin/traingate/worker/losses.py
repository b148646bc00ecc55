"""Count the measured steps whose loss is not a finite number: such a training computes nothing."""

from __future__ import annotations

import math
from typing import Any

from traingate.protocol.shared_names import NONFINITE_LOSSES


class NonfiniteLosses:
    """Losses of measured steps that were NaN or infinite."""

    def __init__(self) -> None:
        self._count = 0
        self._first = ""

    def note(self, loss: Any, step: int) -> None:
        """Look at the loss of a step, after the step's time has been taken.

        Args:
            loss: Loss that the step returned. Anything but a tensor of one element, or a number, is
                left alone.
            step: Number of the measured step, from 1.
        """
        value = _value_of(loss)
        if value is None or math.isfinite(value):
            return
        self._count += 1
        self._first = self._first or f"the loss was {value} in measured step {step}"

    @property
    def counts(self) -> dict[str, int]:
        """Return the number of such losses by the name of its counter; empty if there were none."""
        return {NONFINITE_LOSSES: self._count} if self._count else {}

    @property
    def reasons(self) -> dict[str, list[str]]:
        """Return the first such loss by the name of the counter; empty if there was none."""
        return {NONFINITE_LOSSES: [self._first]} if self._first else {}


def _value_of(loss: Any) -> float | None:
    """Return the value of a loss; None if it is no number that can be NaN or infinite.

    ``item()`` waits for nothing, since the step has ended, and lets XLA compile nothing.
    A workload's own step may return a ``float`` or a number of numpy.
    """
    try:
        return float(loss if isinstance(loss, float) else loss.item())
    except (AttributeError, TypeError, ValueError, RuntimeError, OverflowError):
        return None
