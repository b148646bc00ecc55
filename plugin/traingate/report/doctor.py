"""Print the findings of ``traingate doctor`` as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from traingate.doctor import Finding, State
from traingate.report.terminal_text import terminal_line, terminal_text

if TYPE_CHECKING:
    from rich.console import Console

_MARKS = {
    State.FINE: Text("+", style="green"),
    State.NOTE: Text("!", style="yellow"),
    State.LACKING: Text("-", style="red"),
}


def print_findings(console: Console, findings: Sequence[Finding]) -> None:
    """Print the findings, grouped by topic.

    Each has a mark for its state, its subject, the fact, its meaning and the remedy.

    Args:
        console: Console to print to.
        findings: Findings, those of one topic after each other.
    """
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    topic = ""
    for finding in findings:
        if finding.topic != topic:
            topic = finding.topic
            table.add_row(Text(""), Text(topic, style="bold"), Text(""))
        description = Text(terminal_text(finding.found))
        if finding.meaning:
            description.append(f"\n{terminal_text(finding.meaning)}", style="dim")
        if finding.remedy:
            description.append(f"\n$ {terminal_text(finding.remedy)}", style="cyan")
        table.add_row(_MARKS[finding.state], Text(terminal_line(finding.subject)), description)
    console.print(table)
    console.print(Text("+ fine   ! worth knowing   - lacking", style="dim"))
