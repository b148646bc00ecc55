"""Choose the comparison of each test, as the settings say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from traingate.baselines.anchors import StoredAnchor, anchor_of_commit, default_anchor
from traingate.baselines.comparability import hardware_differences
from traingate.baselines.lookup import Baseline, BaselineFinder, Baselines
from traingate.baselines.subject import Subject
from traingate.baselines.summaries import TestSummary
from traingate.comparison.acceptance import accepted_change
from traingate.comparison.against_base import AgainstBase
from traingate.comparison.against_stored import AgainstStored, can_measure_duet
from traingate.comparison.base import Comparison, NoComparison
from traingate.comparison.base_side import BaseSides
from traingate.comparison.with_anchor import WithAnchor
from traingate.controller.job import Job
from traingate.errors import NewTestError
from traingate.options import Settings
from traingate.records import Hardware
from traingate.session.jobs import BenchmarkRequest
from traingate.worktree.commit_log import newest_tag
from traingate.worktree.repository import Repository

NO_ANCHOR: Final = "none"
"""Value of ``--traingate-anchor`` for no anchor."""


@dataclass
class ComparisonChooser:
    """Chooser of the comparisons of a session's tests.

    Attributes:
        settings: Settings of the session.
        root: Pytest's rootdir.
        find_base_sides: Function that returns the base sides of the session's duets.
        baselines: Function that returns the saved runs to compare with.
        hardware: Function that returns the hardware of this machine.
        used_baselines: Baselines that tests were compared with, by the full name of the test.
    """

    settings: Settings
    root: Path
    find_base_sides: Callable[[], BaseSides]
    baselines: Callable[[], Baselines]
    hardware: Callable[[], Hardware]
    used_baselines: dict[str, Baseline] = field(default_factory=dict, init=False)

    def choose(self, request: BenchmarkRequest, job: Job, tolerance: float) -> Comparison:
        """Return the comparison of a test.

        Args:
            request: Request of the test.
            job: Job of the candidate.
            tolerance: Largest loss of throughput that is let through, in percent.
        """
        if not self.settings.compares:
            return NoComparison(tolerance)
        newest = self._newest(request, job, tolerance)
        anchor_tolerance = self.settings.anchor_tolerance or tolerance
        anchor = self._anchor(request, job, anchor_tolerance)
        if anchor is None:
            return newest
        title, comparison = anchor
        is_required = self.settings.anchor is not None
        return WithAnchor(newest, comparison, title, anchor_tolerance, is_required)

    def _newest(self, request: BenchmarkRequest, job: Job, tolerance: float) -> Comparison:
        """Return the comparison with the base that the user named, or with the newest baseline."""
        if self.settings.duet_option:
            test_file = self.root / request.test.partition("::")[0]
            return AgainstBase(
                self.settings,
                tolerance,
                job,
                self.find_base_sides(),
                base=request.base,
                accepted=accepted_change(request.limits, test_file),
            )

        def find(subject: Subject) -> Baseline:
            baseline = self._find(self.baselines(), subject, request, job)
            self.used_baselines[request.test] = baseline
            return baseline

        return self._against_stored(job, tolerance, find)

    def _anchor(
        self, request: BenchmarkRequest, job: Job, tolerance: float
    ) -> tuple[str, Comparison] | None:
        """Return the title of the anchor of a test and the comparison with it; None without one."""
        settings = self.settings
        reference = settings.anchor
        if reference == NO_ANCHOR or (reference is None and not settings.compare):
            return None
        stored = self._stored_anchor(request.test, job)
        if stored is not None:
            return stored.title, self._against_anchor(stored, request, job, tolerance)
        if reference is None:
            return None
        only_anchor = replace(
            settings, against=reference, against_python=None, against_environment=None
        )
        return reference, AgainstBase(only_anchor, tolerance, job, self.find_base_sides())

    def _stored_anchor(self, test: str, job: Job) -> StoredAnchor | None:
        """Return the stored runs of the anchor of a test; None if there are none.

        Raises:
            ConfigurationError: If the commit that the user named does not exist.
        """
        if not self.settings.compare:
            return None
        runs = self.baselines().runs
        reference = self.settings.anchor
        if reference is None:
            return default_anchor(runs, test, self._newest_tag, self._fits)
        commit = self.find_base_sides().commit_hash(job, reference)
        return anchor_of_commit(runs, test, commit, reference)

    def _fits(self, stored: TestSummary) -> bool:
        """Return whether a stored test is of this machine and of the session's scale."""
        is_of_machine = not hardware_differences(stored.machine, self.hardware())
        return is_of_machine and stored.scale == self.settings.scale.name

    @cached_property
    def _newest_tag(self) -> tuple[str, str] | None:
        repository = Repository.required_if_any(self.root)
        if repository is None:
            return None
        commits = {run.commit for run in self.baselines().runs if run.commit is not None}
        return newest_tag(repository, frozenset(commits))

    def _against_anchor(
        self, anchor: StoredAnchor, request: BenchmarkRequest, job: Job, tolerance: float
    ) -> Comparison:
        """Return the comparison with the stored launches of an anchor."""
        baselines = self.baselines()
        runs = Baselines(anchor.runs, baselines.read)

        def find(subject: Subject) -> Baseline:
            baseline = self._find(runs, subject, request, job)
            if baseline.path == self._find(baselines, subject, request, job).path:
                raise NewTestError(f"{baseline.title} is the newest baseline and the anchor.")
            return baseline

        return self._against_stored(job, tolerance, find)

    def _find(
        self, baselines: Baselines, subject: Subject, request: BenchmarkRequest, job: Job
    ) -> Baseline:
        def can_measure_commit(commit: str) -> bool:
            return can_measure_duet(self.settings, job, self.find_base_sides(), commit)

        return baselines.find(
            subject, self.hardware(), request.test, can_measure_commit=can_measure_commit
        )

    def _against_stored(self, job: Job, tolerance: float, find: BaselineFinder) -> Comparison:
        return AgainstStored(self.settings, tolerance, job, self.find_base_sides(), find)
