"""What ``traingate calibrate`` has learnt, as a table with a recommendation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from traingate.gate.power import Calibration, Resolution
from traingate.records import Outcome

if TYPE_CHECKING:
    from rich.console import Console


def print_calibration(console: Console, found: Calibration) -> None:
    """What was measured, what that resolves, and what to set."""
    low, high = found.change_percent_interval
    console.print(Text(found.test, style="bold"))
    console.print(
        f"beside itself: {found.pairs} pairs ({found.method.value}) scatter by "
        f"{100 * found.spread:.1f} %; change {found.change_percent:+.1f} % "
        f"(95 % interval {low:+.1f} to {high:+.1f} %), {60 * found.minutes_per_pair:.0f} s a pair"
    )
    for trial in found.trials:
        seen = trial.verdict
        interval = seen.slowdown_percent_interval or (float("nan"),) * 2
        console.print(
            f"slowed down by {trial.percent:g} %: {seen.outcome.value} at tolerance "
            f"{seen.tolerance_percent:g} % after {seen.launches} pairs, {trial.minutes:.1f} min; "
            f"seen as {seen.slowdown_percent:.1f} % ({interval[0]:.1f} to {interval[1]:.1f} %)"
        )
    console.print()
    console.print(_table(found))
    console.print(_advice(found))


def _table(found: Calibration) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1))
    for title in ("tolerance", "finds 99 of 100", "in", "unchanged passes", "in"):
        table.add_column(title, justify="right")
    for row in found.resolutions:
        smallest = "-" if row.smallest is None else f"{row.smallest:.1f} %"
        passes = f"{100 * row.passes:.1f} %"
        to_find = _duration(row.pairs_to_find, found)
        table.add_row(
            f"{row.tolerance:g} %", smallest, to_find, passes, _duration(row.pairs, found)
        )
    return table


def _duration(pairs: int | None, found: Calibration) -> str:
    if pairs is None:
        return ""
    return f"{pairs} pairs, {pairs * found.minutes_per_pair:.1f} min"


def _advice(found: Calibration) -> Text:
    best: Resolution | None = found.recommended
    missed = [
        f"{trial.percent:g} %"
        for trial in found.trials
        if best is not None
        and trial.percent >= (best.smallest or 0)
        and trial.verdict.outcome is not Outcome.REGRESSED
        and best.tolerance >= trial.verdict.tolerance_percent
    ]
    if best is None:
        return Text(
            "This benchmark scatters too much here for any tolerance up to 15 %: measure a larger "
            "model or batch, or on a quieter machine.",
            style="yellow",
        )
    text = Text(
        f"Recommended: --traingate-tolerance={best.tolerance:g} "
        f"--traingate-launches={found.most_pairs}, which finds slowdowns of {best.smallest:.1f} % "
        f"and more; unchanged code takes {_duration(best.pairs, found)}, after the launches that "
        "give its throughput.",
        style="green",
    )
    if missed:
        text.append(f" But {', '.join(missed)} put in was not found: measure again.", "yellow")
    return text
