"""Collect the results of a session or of a comparison for tools and for pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from traingate.gate.suite import suite_change
from traingate.records import Measurement, Outcome, Verdict, stack_label
from traingate.records.results import State, SuiteResults, TestResult
from traingate.report.cautions import cautions
from traingate.report.verdict import explain
from traingate.untrusted.masking import masked_text
from traingate.untrusted.plain_text import shortened, without_control_characters
from traingate.untrusted.shell_words import is_test_argument, shell_word

_MAX_DETAILS: Final = 4000
"""Largest number of characters of an error in the results: comments on GitHub are limited."""

_MAX_SENTENCE: Final = 1000
"""Largest number of characters of its first line."""


def measured_result(test: str, measurement: Measurement, command: str) -> TestResult:
    """Return the result of a test that was measured, and judged if its record has a verdict.

    Args:
        test: Full name of the test.
        measurement: Its record.
        command: Command that measures and judges the test, without its name.
    """
    verdict = measurement.verdict
    details = "" if verdict is None else explain(verdict)
    return TestResult(
        test=test,
        stack=stack_label(measurement.stack),
        failed=verdict is not None and verdict.failed,
        sentence=details.partition("\n")[0],
        details=details,
        samples_per_second=measurement.samples_per_second,
        samples_per_second_interval=measurement.samples_per_second_interval,
        peak_rss_bytes=measurement.peak_rss_bytes,
        verdict=verdict,
        cautions=cautions(measurement),
        command=f"{command} {shell_word(test)}" if command and is_test_argument(test) else "",
    )


def short_error(error: object) -> str:
    """Return the text of an error, which may have a log, of a long one without its middle."""
    return shortened(str(error), _MAX_DETAILS)


def refused_result(test: str, error: str) -> TestResult:
    """Return the result of a test that could not be compared."""
    error = _shown(error)
    details = short_error(error)
    return TestResult(test=test, failed=True, sentence=_first_line(error), details=details)


def failed_result(test: str, measured: TestResult | None, error: str = "") -> TestResult:
    """Return the result of a test that failed otherwise than by its verdict.

    Args:
        test: Full name of the test.
        measured: Its result if it was measured; None if it was not.
        error: Error that its measurement ended with; empty if it failed by itself.
    """
    error = _shown(error) or "the test failed: see the output of pytest"
    result = measured or TestResult(test=test, details=short_error(error))
    sentence = _first_line(error)
    return msgspec.structs.replace(result, failed=True, sentence=sentence, error=sentence)


def _first_line(error: str) -> str:
    """Return the first line of an error, of a long one the start."""
    line = error.partition("\n")[0]
    return line if len(line) <= _MAX_SENTENCE else f"{line[:_MAX_SENTENCE]} [...]"


def _shown(error: str) -> str:
    """Return an error, which may have the end of a worker's log, as results may show it.

    They become comments on pull requests, where nobody else masks secrets.
    """
    return masked_text(without_control_characters(error))


def suite_results(
    tests: Sequence[TestResult],
    *,
    problems: Sequence[str] = (),
    counts: Mapping[str, int] | None = None,
    machine: str = "",
) -> SuiteResults:
    """Return the results of several tests.

    Args:
        tests: Results of the tests, in the order of measuring. Of several results of the same test,
            the failed one counts, else the last.
        problems: Reasons why the session fails although its tests may have passed.
        counts: Numbers of tests, as in ``ComparisonCounts``; None without a comparison.
        machine: Processor and number of cores.
    """
    by_name: dict[str, TestResult] = {}
    for result in tests:
        if not (result.test in by_name and by_name[result.test].failed):
            by_name[result.test] = result
    ordered = sorted(by_name.values(), key=_importance)
    verdicts = [result.verdict for result in ordered if result.verdict is not None]
    since_newest = [verdict for verdict in verdicts if not _is_by_anchor(verdict)]
    state = _state(ordered, verdicts, problems)
    return SuiteResults(
        state=state,
        title=_title(state, ordered, verdicts, problems),
        problems=tuple(map(masked_text, problems)),
        counts=dict(counts or {}),
        change=suite_change(since_newest),
        tests=tuple(ordered),
        machine=machine,
    )


def _is_by_anchor(verdict: Verdict) -> bool:
    """Return whether a verdict has the change since the anchor, and not that since the newest."""
    return verdict.anchor is not None and verdict.anchor.outcome is Outcome.REGRESSED


def _importance(result: TestResult) -> int:
    """Return the rank of a result: what failed, what is open, what moved, and the rest."""
    if result.failed:
        return 0
    outcome = result.verdict.outcome if result.verdict is not None else None
    return {Outcome.REGRESSED: 1, Outcome.INCONCLUSIVE: 2, Outcome.IMPROVED: 3}.get(outcome, 4)  # type: ignore[arg-type]


def _state(
    tests: Sequence[TestResult], verdicts: Sequence[Verdict], problems: Sequence[str]
) -> State:
    if problems or any(result.failed for result in tests):
        return "failed"
    if any(verdict.outcome is Outcome.INCONCLUSIVE for verdict in verdicts):
        return "open"
    compared = any(verdict.slowdown_percent is not None for verdict in verdicts)
    return "passed" if compared else "measured"


def _title(
    state: State,
    tests: Sequence[TestResult],
    verdicts: Sequence[Verdict],
    problems: Sequence[str],
) -> str:
    total = f"{len(tests)} training benchmark{'' if len(tests) == 1 else 's'}"
    if state == "failed":
        failed = sum(result.failed for result in tests)
        return f"{failed} of {total} failed" if failed else f"the run failed: {problems[0]}"
    if state == "open":
        count = sum(verdict.outcome is Outcome.INCONCLUSIVE for verdict in verdicts)
        return f"no slowdown found, but {count} of {total} could not be decided"
    return f"no slowdown in {total}" if state == "passed" else f"{total} measured, none compared"
