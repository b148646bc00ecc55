"""Print what a session has measured to pytest's terminal."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from traingate.report.table import render
from traingate.report.terminal_text import encodable, terminal_text
from traingate.report.verdict import explain, needs_explanation
from traingate.session.session import Session

if TYPE_CHECKING:
    import pytest


def show_results(session: Session, reporter: pytest.TerminalReporter) -> None:
    """Print the results table, the explanations of verdicts, and what was interrupted."""
    if session.rows:
        reporter.section("traingate: training throughput")
        width = shutil.get_terminal_size().columns if reporter.isatty else None
        # pytest escapes the ends of lines too in a text that it cannot encode.
        table = render(session.rows, width, colour=reporter.hasmarkup)
        reporter.write(encodable(table, sys.__stdout__))
        _explain_verdicts(session, reporter)
    if session.interruption:
        reporter.section("traingate: interrupted")
        reporter.write_line(session.interruption, yellow=True)


def _explain_verdicts(session: Session, reporter: pytest.TerminalReporter) -> None:
    """Print details of verdicts that the table lacks; failed tests have reported their own."""
    for row in session.rows:
        verdict = row.measurement.verdict
        if verdict is not None and not verdict.failed and needs_explanation(verdict):
            text = terminal_text(f"\n{row.test}\n{explain(verdict)}")
            reporter.write_line(encodable(text, sys.__stdout__))
