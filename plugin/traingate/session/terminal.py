"""Print what a session has measured to pytest's terminal."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from traingate.report.table import render
from traingate.report.terminal_text import terminal_text
from traingate.report.verdict import explain, needs_explanation
from traingate.session.session import Session

if TYPE_CHECKING:
    import pytest


def show_results(session: Session, reporter: pytest.TerminalReporter) -> None:
    """Print the results table, the explanations of verdicts, and what was interrupted."""
    if session.rows:
        reporter.section("traingate: training throughput")
        width = shutil.get_terminal_size().columns if reporter.isatty else None
        reporter.write(render(session.rows, width, colour=reporter.hasmarkup))
        _explain_verdicts(session, reporter)
    if session.interruption:
        reporter.section("traingate: interrupted")
        reporter.write_line(session.interruption, yellow=True)


def _explain_verdicts(session: Session, reporter: pytest.TerminalReporter) -> None:
    """Print details of verdicts that the table lacks; failed tests have reported their own."""
    for row in session.rows:
        verdict = row.measurement.verdict
        if verdict is not None and not verdict.failed and needs_explanation(verdict):
            reporter.write_line(terminal_text(f"\n{row.test}\n{explain(verdict)}"))
