"""Define ``traingate compare``: judge one saved run by another."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict

import click
import msgspec

from traingate.baselines.lookup import Baselines
from traingate.baselines.saved_runs import SavedRun
from traingate.baselines.subject import Subject
from traingate.baselines.summaries import summarise
from traingate.commands.output import (
    NO_RESULT,
    complain,
    exit_without_result,
    json_text,
    print_text,
)
from traingate.commands.runs import RUN_COMPLETION, find_run
from traingate.commands.shared_options import STORAGE, format_option, tolerance_option
from traingate.comparison.counts import KIND_OF_OUTCOME, ComparisonCounts
from traingate.comparison.explanation import explain_by_stored_profile
from traingate.comparison.screen import check_launch_count, screen
from traingate.errors import BaselineError
from traingate.gate.policy import Policy
from traingate.records import Measurement, Outcome
from traingate.records.results import SuiteResults, TestResult
from traingate.report.markdown import to_markdown
from traingate.report.results import measured_result, refused_result, suite_results

_REGRESSION = 1


@click.command()
@click.argument("a", shell_complete=RUN_COMPLETION)
@click.argument("b", shell_complete=RUN_COMPLETION)
@tolerance_option("Largest loss of throughput that is let through, in percent.")
@STORAGE
@format_option("Form of the verdicts.", "markdown")
def compare(a: str, b: str, tolerance: float, storage: str, form: str) -> None:
    """Judge the saved run B by the saved run A.

    A and B are files; storages, for the newest run in each; numbers or names of saved runs in
    --storage; or commits, for the newest run of each. Exit status: 0 no regression, 1 a regression,
    2 not every test of A and B could be compared.
    """
    try:
        base, run = find_run(a, storage), find_run(b, storage)
    except BaselineError as error:
        exit_without_result(error)
    results, problems = _compared(base, run, tolerance)
    print_text(_in_form(results, form), ends_line=False)
    if any(_is_regressed(result) for result in results.tests):
        sys.exit(_REGRESSION)
    if problems:
        for problem in problems:
            complain(problem)
        sys.exit(NO_RESULT)


def _compared(base: SavedRun, run: SavedRun, tolerance: float) -> tuple[SuiteResults, list[str]]:
    """Return the results, and the reasons why not all could be compared."""
    tests = [*_results(base, run, tolerance)]
    new_tests = {name for name, _ in run.measurements}
    gone = [test for test, _ in base.measurements if test not in new_tests]
    problems = []
    if not tests or any(result.verdict is None for result in tests):
        problems.append(f"Not all of {run.path} could be compared with {base.path}.")
    if gone:
        problems.append(
            f"Not all of {base.path} is in {run.path}, so these were not compared: "
            f"{', '.join(gone)}"
        )
    machines = [measurement.machine for _, measurement in run.measurements]
    outcomes = (
        Outcome.NO_BASELINE if result.verdict is None else result.verdict.outcome
        for result in tests
    )
    counts = ComparisonCounts.of_kinds(
        (KIND_OF_OUTCOME[outcome] for outcome in outcomes), gone=len(gone)
    )
    results = suite_results(
        [*(refused_result(test, f"is in {base.path} alone") for test in gone), *tests],
        problems=problems,
        counts=asdict(counts),
        machine=machines[0].title if machines else "",
    )
    return results, problems


def _results(base: SavedRun, run: SavedRun, tolerance: float) -> Iterator[TestResult]:
    """Yield the result of each test of *run*."""
    baselines = Baselines((summarise(base),), lambda _: base)
    for test, measurement in run.measurements:
        try:
            judged = _judged(baselines, test, measurement, tolerance)
        except BaselineError as error:  # noqa: PERF203 - the other tests can still be compared
            yield refused_result(test, f"{Outcome.NO_BASELINE.value}: {error}")
        else:
            yield measured_result(test, judged, "")


def _judged(
    baselines: Baselines, test: str, measurement: Measurement, tolerance: float
) -> Measurement:
    """Return a saved measurement with its verdict.

    If it was compared with this baseline when it was measured, at this tolerance, that is the
    verdict: the gate looked at its launches one after the other, and a single look at all of them
    may decide more.

    Raises:
        BaselineError: If it has no baseline.
    """
    subject = Subject(
        measurement.workload,
        measurement.stack,
        measurement.scale,
        measurement.batch_size,
        measurement.environment_name,
    )
    baseline = baselines.find(subject, measurement.machine, test)
    launches = len(measurement.launches)
    check_launch_count(baseline, launches)
    earlier = measurement.verdict
    if (
        earlier is not None
        and (earlier.baseline, earlier.tolerance_percent) == (baseline.title, tolerance)
        and earlier.anchor is None
    ):
        return measurement
    verdict = screen(baseline, measurement, Policy(tolerance / 100, launches, launches)).verdict
    verdict = explain_by_stored_profile(verdict, baseline.measurement, measurement)
    failed = verdict.outcome is Outcome.REGRESSED
    verdict = msgspec.structs.replace(verdict, failed=failed)
    return msgspec.structs.replace(measurement, verdict=verdict)


def _is_regressed(result: TestResult) -> bool:
    return result.verdict is not None and result.failed


def _in_form(results: SuiteResults, form: str) -> str:
    if form == "json":
        return json_text(results) + "\n"
    if form == "markdown":
        return to_markdown(results)
    lines = [line for result in results.tests for line in (result.test, result.details)]
    return "\n".join(lines) + "\n"
