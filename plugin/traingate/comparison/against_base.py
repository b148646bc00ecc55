"""Judge a test by a duet with another commit, another environment, or both."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec

from traingate.comparison.acceptance import AcceptedChange, accept_change, contains_text
from traingate.comparison.base import ComparisonResult, PlannedLaunches
from traingate.comparison.base_side import BaseSides
from traingate.comparison.duet import MIN_PAIRS, compare_by_duet
from traingate.comparison.evidence import attribute_sides
from traingate.comparison.next_step import CodeRelation
from traingate.controller.job import Job, Observer
from traingate.environments.placement import Placement
from traingate.errors import ConfigurationError
from traingate.options import Settings
from traingate.records import Measurement
from traingate.untrusted.files import read_bounded

_MAX_SOURCE_BYTES: Final = 16 << 20
"""Largest file of tests that is read."""


class AgainstBase(PlannedLaunches):
    """Comparison with the base that the options ``--traingate-against...`` name.

    Args:
        settings: Settings of the session.
        tolerance: Largest loss of throughput that is let through, in percent.
        job: Job of the candidate.
        base_sides: Worktrees of the session.
        base: Environment of the base, with its request for the worker's process; None for those of
            the candidate.
        accepted: Change that the test's marker accepts; None if there is none.
    """

    def __init__(
        self,
        settings: Settings,
        tolerance: float,
        job: Job,
        base_sides: BaseSides,
        *,
        base: Placement | None = None,
        accepted: AcceptedChange | None = None,
    ) -> None:
        self._settings, self._tolerance = settings, tolerance
        self._job, self._base_sides, self._base_placement = job, base_sides, base
        self._accepted = accepted if settings.against else None
        self._stale_note: str | None = None

    def prepare(self) -> None:
        """Check the base out, after checking that a duet is possible.

        Raises:
            BaselineError: If the commit does not define the workload.
            ConfigurationError: If there is no such commit, if no duet is possible, or if
                the acceptance of a change cannot be followed.
        """
        settings = self._settings
        if self._job.stack.spans_nodes:
            raise ConfigurationError("a duet cannot be stepped in turn across several nodes")
        if settings.launches is not None and settings.launches < MIN_PAIRS:
            raise ConfigurationError(
                "a duet of one pair has no spread to judge by: raise --traingate-launches"
            )
        _ = self._base
        if self._accepted is not None:
            self._check_acceptance(self._accepted)

    @cached_property
    def _base(self) -> Job:
        return self._base_sides.job_for(self._job, self._settings.against, self._base_placement)

    def _check_acceptance(self, accepted: AcceptedChange) -> None:
        """Let the acceptance count only if this change to the code is the one that makes it.

        Raises:
            ConfigurationError: If the reason is not in the test's file, or that is not in git.
        """
        reference, file = self._settings.against, accepted.test_file
        assert reference is not None
        if not _has_reason(file, accepted):
            raise ConfigurationError(
                f"accept_reason must be written in {file}, as one string and in the "
                f"marker itself, so that a reviewer sees it: {accepted.reason!r} is not there"
            )
        base_text = self._base_sides.read_base_file(self._job, reference, file)
        is_in_base = base_text is not None and contains_text(base_text, accepted.reason)
        if is_in_base or self._was_moved(accepted, reference):
            self._accepted = None
            self._stale_note = (
                f"the change that the marker accepts is in {reference} already, so the marker lets "
                f"nothing more through: remove it ({accepted.reason})"
            )

    def _was_moved(self, accepted: AcceptedChange, reference: str) -> bool:
        """Return whether the base has the acceptance in a file that has it no more.

        A test's file may be renamed. The acceptance is then no part of the diff that is reviewed.
        """
        files = self._base_sides.accepting_files(self._job, reference)
        return any(
            contains_text(text, accepted.reason) and not _has_reason(file, accepted)
            for file, text in files.items()
        )

    def conclude(self, measurement: Measurement, observer: Observer) -> ComparisonResult:
        """Return the verdict of the duet."""
        reference = self._settings.against
        result = compare_by_duet(
            self._job,
            self._base,
            measurement,
            observer,
            tolerance=self._tolerance,
            max_pairs=self._settings.max_pairs,
            accepted=self._accepted,
        )
        self._base_sides.remember_memory(self._base, result.duet)
        verdict = attribute_sides(
            result.verdict,
            reference=reference,
            other_python=self._base.environment != self._job.environment,
            code=(
                CodeRelation.UNAVAILABLE
                if reference is None
                else self._base_sides.compare_code(self._job, reference)
            ),
        )
        if self._accepted is not None:
            verdict = accept_change(self._accepted, verdict, result.duet)
        if self._stale_note is not None:
            evidence = (*verdict.evidence, self._stale_note)
            verdict = msgspec.structs.replace(verdict, evidence=evidence)
        return ComparisonResult(verdict, result.duet, profiles=result.profiles)


def _has_reason(file: Path, accepted: AcceptedChange) -> bool:
    """Return whether a file of the working tree has the reason of an acceptance."""
    try:
        return contains_text(read_bounded(file, _MAX_SOURCE_BYTES), accepted.reason)
    except OSError:  # it is gone, or may not be read
        return False
