"""Find what a session should have compared and did not. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from traingate.baselines.test_names import is_named, is_part_of
from traingate.comparison.counts import KIND_OF_OUTCOME, ComparisonCounts
from traingate.records import Outcome, Verdict
from traingate.report.verdict import explain
from traingate.selection import Absence
from traingate.untrusted.shell_words import shell_word


@dataclass(frozen=True)
class SessionFacts:
    """Facts of a session when its last test has ended.

    Attributes:
        selected: Full names of the selected training benchmarks.
        verdicts: Pairs of a test's full name and a verdict on it, in the order of measuring.
        refusals: Reasons why tests could not be compared, by full name.
        baselines: Descriptions of what each test should be compared with, by full name; also of
            tests that were not selected.
        absences: Reasons why tests in ``baselines`` were not selected, by full name.
        skip_reasons: Reasons why tests were skipped, by full name of the test or its module.
        changes: How tests differ from those of their base in what they measure, by full name
            without parameters; both sides have measured what the present test asks for.
        failed_tests: Full names of tests that pytest has reported as failed.
        allowed_names: Names of tests that need no comparison, see ``is_named``.
        compares: True if a comparison was requested.
        must_compare: True if it is an error that no training benchmark was selected.
        is_complete: False if the session ended before its last test.
    """

    selected: Collection[str]
    verdicts: Collection[tuple[str, Verdict]]
    refusals: Mapping[str, str]
    baselines: Mapping[str, str]
    absences: Mapping[str, Absence]
    skip_reasons: Mapping[str, str]
    failed_tests: Collection[str]
    changes: Mapping[str, str] = field(default_factory=dict)
    allowed_names: Collection[str] = ()
    compares: bool = True
    must_compare: bool = False
    is_complete: bool = True

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Return the name of the count to which each selected test belongs."""
        outcomes: dict[str, set[Outcome]] = {}
        for test, verdict in self.verdicts:
            outcomes.setdefault(test, set()).add(verdict.outcome)
        return {test: self._kind(test, outcomes.get(test, set())) for test in self.selected}

    def _kind(self, test: str, outcomes: Collection[Outcome]) -> str:
        for outcome, kind in KIND_OF_OUTCOME.items():
            if outcome in outcomes:
                return kind
        is_new = test in self.refusals and test not in self.baselines
        return "new" if is_new else "skipped"

    @cached_property
    def uncompared(self) -> list[str]:
        """Return the tests that have a baseline and no verdict by it, and that must have one."""
        return [test for test in self._without_verdict if not is_named(test, self.allowed_names)]

    @cached_property
    def allowed_uncompared(self) -> list[str]:
        """Return the tests that have a baseline and no verdict by it, and that need none."""
        return [test for test in self._without_verdict if is_named(test, self.allowed_names)]

    @property
    def _without_verdict(self) -> list[str]:
        uncompared_kinds = {"new", "skipped"}
        return [
            test for test in self.baselines if self.kinds.get(test, "skipped") in uncompared_kinds
        ]


def count(facts: SessionFacts) -> ComparisonCounts:
    """Return the numbers of compared tests, and of those that were not compared."""
    absences = Counter(facts.absences.values())
    return ComparisonCounts.of_kinds(
        facts.kinds.values(),
        gone=absences[Absence.GONE],
        skipped=absences[Absence.SKIPPED],
        deselected=absences[Absence.DESELECTED],
    )


def problems(facts: SessionFacts) -> list[str]:
    """Return why the session fails although its tests may have passed, a paragraph each."""
    paragraphs = _hidden_failures(facts)
    if facts.compares and facts.is_complete:
        paragraphs += _nothing_compared(facts) or _missing_comparisons(facts)
        paragraphs += _changed_tests(facts)
    return paragraphs


def _hidden_failures(facts: SessionFacts) -> list[str]:
    """Return the failed verdicts and refusals that the outcomes of their tests do not show."""
    failures = [(test, explain(verdict)) for test, verdict in facts.verdicts if verdict.failed]
    failures += facts.refusals.items()
    return [
        f"{test} was not reported as failed, but its comparison failed:\n{text}"
        for test, text in failures
        if test not in facts.failed_tests
    ]


def _nothing_compared(facts: SessionFacts) -> list[str]:
    """Return why nothing was compared at all; empty if something was, or if that is allowed."""
    if count(facts).compared or set(facts.selected) & set(facts.failed_tests):
        return []
    if not facts.selected:
        if facts.must_compare:
            return [
                "A comparison was asked for, and no training benchmark was selected. Name the "
                "tests that use training_benchmark."
            ]
        if not facts.uncompared:
            return []
        tests = _list(facts, facts.uncompared)
        return [
            "A comparison was asked for, and no training benchmark was selected. Stored are:\n"
            f"{tests}\nSelect one of them; or, if this is meant to compare other benchmarks, pass "
            "-p no:traingate."
        ]
    needed = [test for test in facts.selected if not is_named(test, facts.allowed_names)]
    if not needed:
        return []
    number = len(facts.selected)
    remedy = (
        "If nothing is stored yet, check --benchmark-storage, and save a baseline with "
        "--benchmark-save=NAME."
    )
    if facts.must_compare:
        remedy = "If all of them are new to the base, measure them without a comparison."
    return [
        f"A comparison was asked for, and none of {number} training benchmarks was compared:\n"
        f"{_list(facts, needed)}\n{remedy}"
    ]


def _missing_comparisons(facts: SessionFacts) -> list[str]:
    """Return the tests with a baseline that this session neither compared nor left out."""
    tests = [
        test
        for test in facts.uncompared
        if facts.absences.get(test) is not Absence.DESELECTED and test not in facts.failed_tests
    ]
    if not tests:
        return []
    sentence = f"These tests have a baseline and were not compared:\n{_list(facts, tests)}"
    names = [test.partition("[")[0] if "," in test else test for test in tests]
    return [_with_remedy(sentence, names)]


def _changed_tests(facts: SessionFacts) -> list[str]:
    """Return the selected tests that do not measure what their base measured."""
    lines, names = [], []
    for test, change in facts.changes.items():
        selected = [name for name in facts.selected if is_part_of(name, test)]
        measured = [name for name in selected if facts.kinds[name] != "skipped"]
        passed = [name for name in measured if name not in facts.failed_tests]
        if not all(is_named(name, facts.allowed_names) for name in passed):
            baseline = next(filter(None, map(facts.baselines.get, selected)), "")
            lines.append(f"  {test}: {change}" + (f" ({baseline})" if baseline else ""))
            names.append(test)
    if not lines:
        return []
    listed = "\n".join(lines)
    sentence = (
        "These tests measure something else than in their base; what the base measured was not "
        f"compared:\n{listed}"
    )
    return [_with_remedy(sentence, names)]


def _with_remedy(sentence: str, names: Collection[str]) -> str:
    """Return a problem, followed by the option that allows it for these tests."""
    option = f"--traingate-allow-missing={shell_word(','.join(names))}"
    return f"{sentence}\nIf that is intended, name them: {option}"


def _list(facts: SessionFacts, tests: Collection[str]) -> str:
    """Return a line for each test, with what became of it, and with its baseline."""
    return "\n".join(f"  {test}: {_describe(facts, test)}" for test in tests)


def _describe(facts: SessionFacts, test: str) -> str:
    """Return what became of a test that was not compared, with its baseline."""
    module = test.partition("::")[0]
    skip_reason = facts.skip_reasons.get(test) or facts.skip_reasons.get(module)
    absence = facts.absences.get(test)
    if absence is Absence.GONE:
        text = "gone"
    elif absence is Absence.DESELECTED:
        text = "deselected"
    elif facts.kinds.get(test) == "new":
        text = "new"
    elif skip_reason is not None:
        text = f"skipped: {skip_reason}"
    else:
        text = "measured nothing: the test did not call training_benchmark, or did not end"
    baseline = facts.baselines.get(test)
    return text if baseline is None else f"{text} ({baseline})"
