"""Summarise a session when its last test has ended: what was compared, and why it fails."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from traingate.baselines.known_tests import known_tests
from traingate.baselines.run_files import mention_records
from traingate.comparison.completeness import (
    ComparisonCounts,
    SessionFacts,
    count,
    problems,
)
from traingate.errors import BaselineError, ConfigurationError, NewTestError
from traingate.records import Outcome
from traingate.selection import FIXTURE, Selection, is_part_of
from traingate.session.session import Session
from traingate.worktree.removed_tests import removed_tests
from traingate.worktree.repository import Repository


@dataclass(frozen=True)
class SessionSummary:
    """Summary of one session.

    Attributes:
        counts: Numbers of tests that were compared, or not; None if no comparison was requested.
        problems: Reasons why the session fails although its tests may have passed.
        missing_tests: Full names of tests with a stored record that were not compared.
        allowed_missing_tests: Full names of further such tests, which the user named.
    """

    counts: ComparisonCounts | None = None
    problems: tuple[str, ...] = ()
    missing_tests: tuple[str, ...] = ()
    allowed_missing_tests: tuple[str, ...] = ()

    @property
    def properties(self) -> dict[str, int]:
        """Return the counts by the names that they have in a JUnit file."""
        if self.counts is None:
            return {}
        return {f"traingate_{name}": number for name, number in asdict(self.counts).items()}


def summarise(session: Session, selection: Selection, *, is_complete: bool) -> SessionSummary:
    """Return the summary of *session*.

    Args:
        session: Session whose tests have ended.
        selection: Tests that pytest selected.
        is_complete: False if tests were left out because the session ended early.
    """
    settings = session.settings
    try:
        baselines = _baselines(session, selection)
    except BaselineError as error:
        return SessionSummary(ComparisonCounts(), (str(error),))
    selected = frozenset(selection.benchmarks)
    absences = {test: selection.absence(test) for test in baselines if test not in selected}
    facts = SessionFacts(
        selected=selection.benchmarks,
        verdicts=tuple(session.verdicts),
        refusals={test: str(error) for test, error in session.refusals.items()},
        baselines=baselines,
        absences=absences,
        skip_reasons=selection.skip_reasons,
        failed_tests=selection.failed_tests,
        allowed_names=settings.allow_missing,
        compares=settings.compares,
        must_compare=not settings.compare,
        is_complete=is_complete,
    )
    has_counts = settings.compares and not _compares_others_only(session, selection)
    return SessionSummary(
        count(facts) if has_counts else None,
        tuple(problems(facts)),
        tuple(facts.uncompared if settings.compare else ()),
        tuple(facts.allowed_uncompared if settings.compare else ()),
    )


def _baselines(session: Session, selection: Selection) -> dict[str, str]:
    """Return descriptions of what each test should be compared with, by its full name.

    Raises:
        BaselineError: If the stored runs cannot be read.
    """
    settings = session.settings
    if not settings.compares:
        return {}
    if not settings.compare:
        base = f"the base is {settings.duet_option.partition(' ')[2]}"
        excluded = session.unavailable_tests | _new_tests(session)
        selected = [test for test in selection.benchmarks if test not in excluded]
        return dict.fromkeys((*selected, *_removed_tests(session, selection)), base)
    if _compares_others_only(session, selection):
        return {}
    runs = session.baselines.runs
    used = {baseline.path for baseline in session.used_baselines.values()}
    return known_tests(runs, settings.scale.name, session.hardware, used)


def _compares_others_only(session: Session, selection: Selection) -> bool:
    """Return whether pytest-benchmark compares other benchmarks, and none of traingate's."""
    settings = session.settings
    is_requested = bool(selection.benchmarks) or not settings.compare
    return not is_requested and not mention_records(settings.storage, settings.compare)


def _new_tests(session: Session) -> set[str]:
    """Return the tests that the base of a duet does not have, whether they passed or failed."""
    compared = {
        test for test, verdict in session.verdicts if verdict.outcome is not Outcome.NO_BASELINE
    }
    refused = {test for test, error in session.refusals.items() if isinstance(error, NewTestError)}
    return {test for test, _ in session.verdicts} - compared | refused


def _removed_tests(session: Session, selection: Selection) -> list[str]:
    """Return the training benchmarks that the base's commit defines and the working tree lacks."""
    reference, root = session.settings.against, session.root
    repository = Repository.containing(root) if reference else None
    if reference is None or repository is None:
        return []
    try:
        commit = session.base_sides.resolve(repository, reference)
    except ConfigurationError:
        return []  # each test has failed with this error
    removed = removed_tests(repository, commit.hash, root, FIXTURE, selection.naming)
    return [
        test for test in removed if not any(is_part_of(name, test) for name in selection.benchmarks)
    ]
