"""Print the result of ``traingate calibrate``: a table and a recommendation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from traingate.gate.power import Calibration, Resolution
from traingate.records import Outcome
from traingate.report.terminal_text import terminal_line

if TYPE_CHECKING:
    from rich.console import Console


def print_calibration(console: Console, calibration: Calibration) -> None:
    """Print the pairs and the trials, the resolution of each tolerance, and a recommendation."""
    low, high = calibration.change_percent_interval
    console.print(Text(terminal_line(calibration.test), style="bold"))
    console.print(
        f"compared with itself: {calibration.pairs} pairs ({calibration.method.value}) scatter by "
        f"{100 * calibration.spread:.1f} %; change {calibration.change_percent:+.1f} % "
        f"(95 % interval {low:+.1f} to {high:+.1f} %), "
        f"{60 * calibration.minutes_per_pair:.0f} s a pair"
    )
    for trial in calibration.trials:
        verdict = trial.verdict
        interval = verdict.slowdown_percent_interval or (float("nan"),) * 2
        console.print(
            f"slowed down by {trial.slowdown_percent:g} %: {verdict.outcome.value} at tolerance "
            f"{verdict.tolerance_percent:g} % after {verdict.launches} pairs, "
            f"{trial.minutes:.1f} min; "
            f"measured as {verdict.slowdown_percent:.1f} % "
            f"({interval[0]:.1f} to {interval[1]:.1f} %)"
        )
    console.print()
    console.print(_table(calibration))
    console.print(_advice(calibration))


def _table(calibration: Calibration) -> Table:
    """Return a table of what the gate finds and passes at each tolerance."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1))
    for title in ("tolerance", "finds 99 of 100", "in", "unchanged passes", "in"):
        table.add_column(title, justify="right")
    for row in calibration.resolutions:
        smallest = "-" if row.smallest_percent is None else f"{row.smallest_percent:.1f} %"
        pass_share = f"{100 * row.pass_share:.1f} %"
        finding_duration = _duration(row.pairs_to_find, calibration)
        table.add_row(
            f"{row.tolerance:g} %",
            smallest,
            finding_duration,
            pass_share,
            _duration(row.pairs, calibration),
        )
    return table


def _duration(pairs: int | None, calibration: Calibration) -> str:
    """Return a number of pairs with the minutes that they take; empty for None."""
    if pairs is None:
        return ""
    return f"{pairs} pairs, {pairs * calibration.minutes_per_pair:.1f} min"


def _advice(calibration: Calibration) -> Text:
    """Return the recommended tolerance, with a warning if a trial contradicts the simulation."""
    best: Resolution | None = calibration.recommendation
    missed_slowdowns = [
        f"{trial.slowdown_percent:g} %"
        for trial in calibration.trials
        if best is not None
        and trial.slowdown_percent >= (best.smallest_percent or 0)
        and trial.verdict.outcome is not Outcome.REGRESSED
        and best.tolerance >= trial.verdict.tolerance_percent
    ]
    if best is None:
        return Text(
            "This benchmark scatters too much here for any tolerance up to 15 %: measure a larger "
            "model or batch, or use a machine with less load.",
            style="yellow",
        )
    text = Text(
        f"Recommended: --traingate-tolerance={best.tolerance:g} "
        f"--traingate-launches={calibration.max_pairs}, which finds slowdowns of "
        f"{best.smallest_percent:.1f} % and more; unchanged code takes "
        f"{_duration(best.pairs, calibration)}, after the launches that give its throughput.",
        style="green",
    )
    if missed_slowdowns:
        slowdowns = ", ".join(missed_slowdowns)
        warning = f" But injected slowdowns were not found ({slowdowns}): measure again."
        text.append(warning, "yellow")
    return text
