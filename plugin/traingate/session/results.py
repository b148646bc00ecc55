"""Write the results of a session to the files that the user, or a job, has asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from traingate.baselines.saved_runs import SavedRun
from traingate.baselines.summaries import summarise
from traingate.controller.scales import DEFAULT_SCALE
from traingate.errors import BaselineError, ConfigurationError, NoRunError
from traingate.history.read import read_history
from traingate.options import Settings
from traingate.options.settings import DEFAULT_TOLERANCE
from traingate.records import Measurement, encode
from traingate.records.history import History
from traingate.records.results import SuiteResults
from traingate.report.markdown import to_markdown
from traingate.report.results import failed_result, measured_result, refused_result, suite_results
from traingate.session.comparisons import NO_ANCHOR
from traingate.session.session import Session
from traingate.session.summary import SessionSummary
from traingate.untrusted.files import append, write_atomically
from traingate.untrusted.masking import masked_text
from traingate.untrusted.shell_words import shell_command

SUMMARY_VARIABLE: Final = "GITHUB_STEP_SUMMARY"
"""Variable with the file of a step's summary (docs.github.com, "Workflow commands")."""

_CURRENT: Final = "working tree"
"""Name of the session's own run, in the place of a commit's."""

_SUMMARY_BYTES: Final = 900_000
"""Largest addition to it; GitHub shows no summary of more than 1 MiB."""


def session_results(
    session: Session,
    summary: SessionSummary | None,
    failed_tests: Collection[str] = (),
    problems: Sequence[str] = (),
    *,
    is_complete: bool = True,
) -> SuiteResults:
    """Return the results of a session whose last test has ended.

    Args:
        session: Session.
        summary: Its summary; None if it has none.
        failed_tests: Full names of the training benchmarks that failed.
        problems: Reasons why the run fails although its tests may have passed.
        is_complete: False if tests were left out because the session ended early.
    """
    command = _command(session.settings, session.root)
    results = [measured_result(row.full_name, row.measurement, command) for row in session.rows]
    results += [refused_result(test, str(error)) for test, error in session.refusals.items()]
    by_name = {result.test: result for result in results}
    results += [
        failed_result(test, by_name.get(test), session.failures.get(test, ""))
        for test in failed_tests
        if not (test in by_name and by_name[test].failed)
    ]
    if not is_complete:
        problems = [*problems, "the run ended early: not all tests were measured"]
    machine = session.rows[0].measurement.machine if session.rows else None
    counts = asdict(summary.counts) if summary is not None and summary.counts is not None else None
    return suite_results(
        results,
        problems=problems,
        counts=counts,
        machine="" if machine is None else machine.title,
    )


def write_results(
    results: SuiteResults, session: Session, variables: Mapping[str, str] = os.environ
) -> list[str]:
    """Write the results as the settings say, and to the summary of a job of GitHub Actions.

    Args:
        results: Results of the session.
        session: Session.
        variables: Environment variables.

    Returns:
        An error message for each file that could not be written.
    """
    settings = session.settings
    errors = []
    if settings.html is not None:
        errors += _write(settings.html, _page(results, session), "--traingate-html")
    if settings.markdown is not None:
        errors += _write(settings.markdown, to_markdown(results), "--traingate-markdown")
    if settings.json is not None:
        content = encode(results, indent=2).decode()
        errors += _write(settings.json, content + "\n", "--traingate-json")
    summary = variables.get(SUMMARY_VARIABLE)
    if summary and (results.tests or results.problems):
        text = to_markdown(results)
        if len(text.encode()) > _SUMMARY_BYTES:
            text = to_markdown(results, details=False)
        errors += _write(summary, text, SUMMARY_VARIABLE, append)
    return errors


def _page(results: SuiteResults, session: Session) -> str:
    """Return the report as a page."""
    from traingate.report.html import render_report  # noqa: PLC0415 - loads templates

    now = datetime.now(tz=timezone.utc)
    measurements = {row.full_name: row.measurement for row in session.rows}
    created = now.strftime("%Y-%m-%d %H:%M UTC")
    history = None
    try:
        history = _history(session, measurements, now)
    except NoRunError:
        pass  # nothing is stored
    except (BaselineError, ConfigurationError) as error:
        created = f"{created}; without history: {masked_text(str(error))}"
    return render_report(
        results,
        measurements,
        history,
        sides={row.full_name: row.sides for row in session.rows if row.sides is not None},
        baselines={test: item.measurement for test, item in session.used_baselines.items()},
        created=created,
    )


def _history(session: Session, measurements: Mapping[str, Measurement], now: datetime) -> History:
    """Return the history that ends with this session.

    Raises:
        NoRunError: If nothing is stored.
        BaselineError, ConfigurationError: If it cannot be read.
    """
    settings = session.settings
    time = now.isoformat(timespec="seconds")
    run = SavedRun(Path(_CURRENT), "this run", time, _CURRENT, tuple(measurements.items()))
    return read_history(
        settings.storage,
        root=session.root,
        anchor=None if settings.anchor == NO_ANCHOR else settings.anchor,
        tolerance=settings.anchor_tolerance or settings.tolerance,
        current=summarise(run),
    )


def _write(
    path: str, text: str, option: str, write: Callable[[Path, str], None] = write_atomically
) -> list[str]:
    try:
        write(Path(path), text)
    except OSError as error:
        return [f"{option}: {path} was not written: {error}"]
    return []


def _command(settings: Settings, root: Path) -> str:
    """Return the command that compares as this session did, without the name of a test.

    Args:
        settings: Settings of the session.
        root: Folder from which the command is to be run; names below it are shown relative to it.
    """
    compare = settings.compare
    comparison = [_name_below(root, word) for word in settings.duet_option.split(" ", 1)]
    if compare:
        name = "" if compare is True else f"={_name_below(root, compare)}"
        storage = _name_below(root, settings.storage)
        comparison = [f"--benchmark-compare{name}", f"--benchmark-storage={storage}"]
    scale = None if settings.scale.name == DEFAULT_SCALE else settings.scale.name
    options = {
        "scale": scale,
        "launches": settings.launches,
        "steps": settings.steps,
        "tolerance": None if settings.tolerance == DEFAULT_TOLERANCE else settings.tolerance,
        "anchor": settings.anchor,
        "anchor-tolerance": settings.anchor_tolerance,
        "base-setup": settings.base_setup and masked_text(settings.base_setup),
    }
    given = [f"--traingate-{name}={value}" for name, value in options.items() if value is not None]
    return shell_command(["pytest", *filter(None, comparison), *given])


def _name_below(root: Path, path: str) -> str:
    """Return a path relative to *root* if it is below that."""
    return os.path.relpath(path, root) if Path(path).is_relative_to(root) else path
