"""Show an explanation as lines of text: causes with their shares, phases, operators, modules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from traingate.records.explanation import Explanation, PartChange, PhaseChange
from traingate.records.units import Interval

_MAX_ROWS: Final = 5
_SMALL_CHANGE: Final = 0.02
"""Change of a phase that a failure does not show, relative to that of the step."""

_LARGEST_SHARE: Final = 4.0
"""Upper end of a share's interval, from which on it only says that the share is large."""


def explanation_lines(explanation: Explanation, *, is_short: bool = True) -> list[str]:
    """Return the tables of an explanation, a line for each row.

    Args:
        explanation: Explanation of a change.
        is_short: True for the causes and the changed phases alone, as in a failure.
    """
    least = _SMALL_CHANGE * abs(explanation.change) if is_short else 0.0
    phases = [phase for phase in explanation.phases if abs(phase.change) >= least]
    sections = [
        ("causes", _cause_lines(explanation)),
        ("phases", [_phase_line(phase) for phase in phases]),
        ("facts", explanation.facts),
    ]
    if not is_short:
        sections[2:2] = [
            ("operators", [_part_line(part) for part in explanation.operators]),
            ("modules", [_part_line(part) for part in explanation.modules]),
        ]
    sections.append(("files", explanation.files))
    return [line for title, lines in sections for line in _section(title, lines)]


def _section(title: str, lines: Iterable[str]) -> list[str]:
    return [f"  {title if number == 0 else '':<9} {line}" for number, line in enumerate(lines)]


def _cause_lines(explanation: Explanation) -> list[str]:
    lines = [_part_line(cause) for cause in explanation.causes[:_MAX_ROWS]]
    if explanation.change:
        share = round(100 * explanation.unexplained_seconds / explanation.change) or 0
        lines.append(f"{_milliseconds(explanation.unexplained_seconds)} {share:5d} %  unexplained")
    return lines


def _part_line(part: PartChange) -> str:
    interval = _interval(part.share_interval, 100, ".0f")
    if part.share_interval is not None and part.share_interval[1] > _LARGEST_SHARE:
        interval = f" ({100 * part.share_interval[0]:.0f} or more)"
    return f"{_milliseconds(part.change)} {100 * part.share:5.0f} %{interval}  {part.title}"


def _phase_line(phase: PhaseChange) -> str:
    interval = _interval(phase.change_interval, 1000, "+.3g")
    base, now = 1000 * phase.base_seconds, 1000 * phase.seconds
    return f"{_milliseconds(phase.change)}{interval}  {phase.phase}: {base:.4g} to {now:.4g} ms"


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:+9.3f} ms"


def _interval(interval: Interval | None, factor: float, form: str) -> str:
    """Return an interval in parentheses, empty if it is unknown."""
    if interval is None:
        return ""
    low, high = (format(factor * end, form) for end in interval)
    return f" ({low} to {high})"


def summary(explanation: Explanation) -> Sequence[str]:
    """Return the sentence of an explanation, and all its tables."""
    return [explanation.sentence, *explanation_lines(explanation, is_short=False)]
