"""Say what makes a measurement doubtful although it succeeded."""

from __future__ import annotations

from collections.abc import Iterator

from traingate.protocol.shared_names import NONFINITE_LOSSES
from traingate.records import Counts, Measurement


def cautions(measurement: Measurement, baseline: Measurement | None = None) -> tuple[str, ...]:
    """Return the reasons to doubt a measurement, or what it was compared with, a sentence each.

    Args:
        measurement: Record of the test.
        baseline: Record that it was compared with; None if there was none.
    """
    return tuple(_cautions(measurement, baseline))


def has_nonfinite_loss(measurement: Measurement) -> bool:
    """Return whether the loss of a measured step was NaN or infinite."""
    return any(counts.counters.get(NONFINITE_LOSSES) for counts in _own_counts(measurement))


def _cautions(measurement: Measurement, baseline: Measurement | None) -> Iterator[str]:
    for counts in _own_counts(measurement):
        sentence = _nonfinite_losses(counts, "")
        if sentence:
            yield f"{sentence}: its speed may be another one than that of a training that works"
            break
    others = [] if measurement.duet is None else [(measurement.duet.base_counts, "of the base ")]
    others += [] if baseline is None else [(baseline.counts, "of the baseline ")]
    yield from filter(None, (_nonfinite_losses(counts, side) for counts, side in others))


def _own_counts(measurement: Measurement) -> Iterator[Counts]:
    yield measurement.counts
    if measurement.duet is not None:
        yield measurement.duet.candidate_counts


def _nonfinite_losses(counts: Counts, side: str) -> str:
    """Return a sentence on the losses of one side that are no numbers; empty if there are none."""
    count = counts.counters.get(NONFINITE_LOSSES, 0)
    if not count:
        return ""
    first = next(iter(counts.reasons.get(NONFINITE_LOSSES, ())), "")
    suffix = f" ({first})" if first else ""
    steps = "step" if count == 1 else "steps"
    return f"the loss {side}was NaN or infinite in {count} measured {steps} of a launch{suffix}"
