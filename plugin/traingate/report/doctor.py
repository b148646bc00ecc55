"""The findings of ``traingate doctor`` as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from traingate.doctor import Finding, State

if TYPE_CHECKING:
    from rich.console import Console

_MARKS = {
    State.FINE: Text("+", style="green"),
    State.NOTE: Text("!", style="yellow"),
    State.LACKING: Text("-", style="red"),
}


def print_findings(console: Console, findings: Sequence[Finding]) -> None:
    """Topic by topic: a mark, what was found, what it means, and what would mend it."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    topic = ""
    for finding in findings:
        if finding.topic != topic:
            topic = finding.topic
            table.add_row(Text(""), Text(topic, style="bold"), Text(""))
        told = Text(finding.found)
        if finding.meaning:
            told.append(f"\n{finding.meaning}", style="dim")
        if finding.remedy:
            told.append(f"\n$ {finding.remedy}", style="cyan")
        table.add_row(_MARKS[finding.state], Text(finding.subject), told)
    console.print(table)
    console.print(Text("+ fine   ! worth knowing   - lacking", style="dim"))
