"""Give the results of a test as properties of its test case in a JUnit file."""

from __future__ import annotations

from collections.abc import Iterator

from traingate.records import Measurement
from traingate.report.verdict import explain
from traingate.untrusted.plain_text import without_control_characters


def junit_properties(measurement: Measurement) -> Iterator[tuple[str, str]]:
    """Yield names and values; those that a test does not have are left out."""
    yield "traingate_samples_per_second", f"{measurement.samples_per_second:.6g}"
    if measurement.samples_per_second_interval is not None:
        low, high = measurement.samples_per_second_interval
        yield "traingate_samples_per_second_interval", f"{low:.6g} to {high:.6g}"
    verdict = measurement.verdict
    if verdict is None:
        return
    yield "traingate_verdict", verdict.outcome.value
    yield "traingate_sentence", without_control_characters(explain(verdict).partition("\n")[0])
    if verdict.slowdown_percent is not None:
        yield "traingate_slowdown_percent", f"{verdict.slowdown_percent:.4g}"
    if verdict.slowdown_percent_interval is not None:
        low, high = verdict.slowdown_percent_interval
        yield "traingate_slowdown_percent_interval", f"{low:.4g} to {high:.4g}"
    if verdict.cause is not None:
        yield "traingate_cause", verdict.cause.value
    if verdict.accepted is not None:
        yield "traingate_accepted", without_control_characters(verdict.accepted.reason)
