"""Write the results of a session to the files that the user, or a job, has asked for."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

import msgspec

from traingate.options import Settings
from traingate.records.results import SuiteResults
from traingate.report.markdown import to_markdown
from traingate.report.results import measured_result, refused_result, suite_results
from traingate.session.session import Session
from traingate.session.summary import SessionSummary

SUMMARY_VARIABLE: Final = "GITHUB_STEP_SUMMARY"
"""Variable with the file of a step's summary (docs.github.com, "Workflow commands")."""

_SUMMARY_BYTES: Final = 900_000
"""Largest addition to it; GitHub shows no summary of more than 1 MiB."""


def session_results(session: Session, summary: SessionSummary | None) -> SuiteResults:
    """Return the results of a session whose last test has ended.

    Args:
        session: Session.
        summary: Its summary; None if it has none.
    """
    command = _command(session.settings)
    results = [measured_result(row.full_name, row.measurement, command) for row in session.rows]
    results += [refused_result(test, str(error)) for test, error in session.refusals.items()]
    machine = session.rows[0].measurement.machine if session.rows else None
    counts = asdict(summary.counts) if summary is not None and summary.counts is not None else None
    return suite_results(
        results,
        problems=() if summary is None else summary.problems,
        counts=counts,
        machine="" if machine is None else f"{machine.cpu}, {machine.cores} cores",
    )


def write_results(
    results: SuiteResults, settings: Settings, variables: Mapping[str, str] = os.environ
) -> list[str]:
    """Write the results as the settings say, and to the summary of a job of GitHub Actions.

    Args:
        results: Results of the session.
        settings: Settings of the session.
        variables: Environment variables.

    Returns:
        An error message for each file that could not be written.
    """
    errors = []
    if settings.markdown is not None:
        errors += _write(settings.markdown, to_markdown(results), "--traingate-markdown")
    if settings.json is not None:
        content = msgspec.json.format(msgspec.json.encode(results)).decode()
        errors += _write(settings.json, content + "\n", "--traingate-json")
    summary = variables.get(SUMMARY_VARIABLE)
    if summary and (results.tests or results.problems):
        text = to_markdown(results)
        if len(text.encode()) > _SUMMARY_BYTES:
            text = to_markdown(results, details=False)
        errors += _write(summary, text, SUMMARY_VARIABLE, mode="a")
    return errors


def _write(path: str, text: str, option: str, mode: str = "w") -> list[str]:
    try:
        with Path(path).open(mode, encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        return [f"{option}: {path} was not written: {error}"]
    return []


def _command(settings: Settings) -> str:
    """Return the command that compares as this session did, without the name of a test."""
    compare = settings.compare
    comparison = settings.duet_option.split(" ", 1)
    if compare:
        comparison = [
            "--benchmark-compare" if compare is True else f"--benchmark-compare={compare}"
        ]
    return shlex.join(["pytest", *filter(None, comparison)])
