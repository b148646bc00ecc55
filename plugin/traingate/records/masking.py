"""Mask secrets in records, before they are saved or shown, and in those that were saved before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from traingate.records.launch import Counts, Launch
from traingate.records.measurement import Measurement
from traingate.records.verdict import Verdict
from traingate.untrusted.masking import masked_environment, masked_text

Counting = TypeVar("Counting", Launch, Counts)


def masked_measurement(measurement: Measurement) -> Measurement:
    """Return a record with the secrets masked that its environment and its sentences quote.

    A verdict may quote the error of a worker, with the end of its log. Of earlier versions, either
    may have been kept as it was.
    """
    replace = msgspec.structs.replace
    duet, verdict = measurement.duet, measurement.verdict
    if duet is not None:
        duet = replace(
            duet,
            candidate_environment=masked_environment(duet.candidate_environment),
            base_environment=masked_environment(duet.base_environment),
            candidate_counts=_with_masked_reasons(duet.candidate_counts),
            base_counts=_with_masked_reasons(duet.base_counts),
        )
    return replace(
        measurement,
        environment=masked_environment(measurement.environment),
        duet=duet,
        verdict=None if verdict is None else _masked_verdict(verdict),
        launches=tuple(map(_with_masked_reasons, measurement.launches)),
        reasons=_masked_reasons(measurement.reasons),
    )


def _with_masked_reasons(counts: Counting) -> Counting:
    """Return the record of a launch or its counts with the secrets masked in its reasons."""
    if not counts.reasons:
        return counts
    return msgspec.structs.replace(counts, reasons=_masked_reasons(counts.reasons))


def _masked_reasons(reasons: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Return the reasons of counters, which may quote the user's values, with secrets masked."""
    return {name: _masked_lines(lines) for name, lines in reasons.items()}


def _masked_verdict(verdict: Verdict) -> Verdict:
    """Return a verdict with the secrets masked that its sentences quote."""
    replace, anchor = msgspec.structs.replace, verdict.anchor
    if anchor is not None:
        anchor = replace(anchor, obstacle=anchor.obstacle and masked_text(anchor.obstacle))
    return replace(
        verdict,
        evidence=_masked_lines(verdict.evidence),
        reason=verdict.reason and masked_text(verdict.reason),
        disagreement=verdict.disagreement and masked_text(verdict.disagreement),
        anchor=anchor,
    )


def _masked_lines(lines: Iterable[str]) -> tuple[str, ...]:
    """Return texts with their secrets masked."""
    return tuple(map(masked_text, lines))
