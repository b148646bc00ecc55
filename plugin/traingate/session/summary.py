"""Summarise a session when its last test has ended: what was compared, and why it fails."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from functools import partial

from traingate.baselines.known_tests import known_tests
from traingate.baselines.run_files import may_hold_records
from traingate.baselines.test_names import is_part_of
from traingate.comparison.completeness import SessionFacts, count, problems
from traingate.comparison.counts import ComparisonCounts
from traingate.errors import BaselineError, ConfigurationError, NewTestError
from traingate.layers.kinds import KINDS
from traingate.records import Outcome
from traingate.selection import FIXTURE, Absence, Selection
from traingate.session.session import Session
from traingate.worktree.base_tests import (
    Source,
    TestPair,
    changed_tests,
    missing_tests,
    paired_tests,
)
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
        pairs = _tests_of_the_base(session, selection)
        missing = _missing_tests(pairs, selection)
        baselines = _baselines(session, selection, missing)
        changes = changed_tests(pairs, KINDS)
    except (BaselineError, ConfigurationError) as error:
        return SessionSummary(ComparisonCounts(), (str(error),))
    except RecursionError:
        problem = "the tests of the base cannot be compared: a source is nested too deeply"
        return SessionSummary(ComparisonCounts(), (problem,))
    selected = frozenset(selection.benchmarks)
    absences = missing | {
        test: selection.absence(test)
        for test in baselines
        if test not in selected and test not in missing
    }
    facts = SessionFacts(
        selected=selection.benchmarks,
        verdicts=tuple(session.verdicts),
        refusals={test: str(error) for test, error in session.refusals.items()},
        baselines=baselines,
        absences=absences,
        skip_reasons=selection.skip_reasons,
        changes=changes,
        failed_tests=selection.failed_tests,
        allowed_names=settings.allow_missing,
        compares=settings.compares,
        must_compare=not settings.compare or _is_nothing_stored(session, selection),
        is_complete=is_complete,
    )
    has_counts = settings.compares and not _compares_others_only(session, selection)
    return SessionSummary(
        count(facts) if has_counts else None,
        tuple(problems(facts)),
        tuple(facts.uncompared if settings.compare else ()),
        tuple(facts.allowed_uncompared if settings.compare else ()),
    )


def _baselines(session: Session, selection: Selection, missing: Collection[str]) -> dict[str, str]:
    """Return descriptions of what each test should be compared with, by its full name.

    Args:
        session: Session whose tests have ended.
        selection: Tests that pytest selected.
        missing: Full names of tests that the base of a duet has, and that are not selected.

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
        return dict.fromkeys((*selected, *missing), base)
    if _compares_others_only(session, selection):
        return {}
    runs = session.baselines.runs
    used = {baseline.path for baseline in session.used_baselines.values()}
    return known_tests(runs, settings.scale.name, session.hardware, used)


def _compares_others_only(session: Session, selection: Selection) -> bool:
    """Return whether pytest-benchmark compares other benchmarks, and none of traingate's."""
    settings = session.settings
    if selection.benchmarks or not settings.compare:
        return False
    if _is_nothing_stored(session, selection):
        return False
    return not may_hold_records(settings.storage, settings.compare)


def _is_nothing_stored(session: Session, selection: Selection) -> bool:
    """Return whether no run is stored, of all benchmarks, where traingate was told to compare some.

    Its options and ini keys show that. Before all tests are collected, nothing can be said.
    """
    settings = session.settings
    if selection.benchmarks or not (settings.compare and settings.is_configured):
        return False
    is_unknown = may_hold_records(settings.storage, settings.compare) is None
    return is_unknown and selection.has_collected


def _new_tests(session: Session) -> set[str]:
    """Return the tests that the base of a duet does not have, whether they passed or failed."""
    compared = {
        test for test, verdict in session.verdicts if verdict.outcome is not Outcome.NO_BASELINE
    }
    refused = {test for test, error in session.refusals.items() if isinstance(error, NewTestError)}
    return {test for test, _ in session.verdicts} - compared | refused


def _tests_of_the_base(session: Session, selection: Selection) -> list[TestPair]:
    """Return the training benchmarks that the base's commit defines; none without such a base.

    Raises:
        ConfigurationError: If git fails, or if a test of the base is nested too deeply.
    """
    reference, root = session.settings.against, session.root
    repository = Repository.required_if_any(root) if reference else None
    if reference is None or repository is None:
        return []
    try:
        commit = session.base_sides.resolve(repository, reference)
    except ConfigurationError:
        return []  # each test has failed with this error
    read = partial(repository.read_source, commit.hash)
    naming = selection.naming(repository.root, read)
    return paired_tests(
        repository, commit.hash, root, FIXTURE, naming, is_named=selection.names_file
    )


def _missing_tests(pairs: Iterable[TestPair], selection: Selection) -> dict[str, Absence]:
    """Return why training benchmarks are not selected that the base's commit defines, by name.

    If their source is there, and pytest has not collected their module, the configuration leaves it
    out: testpaths and collect_ignore may have done so in the base too. If nothing has changed by
    which pytest finds them, it does not find them in the base either. One that pytest has found,
    and that no plugin reported as deselected, was taken away by a hook.
    """

    def is_selected(test: str) -> bool:
        return any(is_part_of(name, test) for name in selection.benchmarks)

    def absence(test: str, source: Source) -> Absence:
        absence = selection.absence(test)
        is_left_out = source is not Source.REMOVED and not selection.has_visited(test)
        is_never_found = (
            source is Source.ALIKE
            and absence is not Absence.SKIPPED
            and not selection.has_collected_benchmark(test)
        )
        return Absence.DESELECTED if is_left_out or is_never_found else absence

    return {
        test: absence(test, source)
        for test, source in missing_tests(pairs, is_selected).items()
        if not is_selected(test)
    }
