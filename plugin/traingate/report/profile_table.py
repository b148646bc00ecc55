"""Show where the time of a profiled step goes: by phase, operator, module and function."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from traingate.causes.groups import module_keys
from traingate.records.profile import Cell, Profile

_MAX_ROWS: Final = 10


def profile_lines(profile: Profile) -> list[str]:
    """Return the tables of one profile, a line for each row."""
    step = 1000 * profile.step_seconds
    sections = [
        ("step", [f"{step:.4g} ms under the profiler, mean of {profile.steps} steps"]),
        ("phases", _rows(profile, lambda cell: [cell.phase])),
        ("operators", _rows(profile, lambda cell: [cell.operator])),
        ("modules", _rows(profile, _modules, counts=False)),
        (
            "functions",
            [
                f"{1000 * row.seconds:10.3f} ms {row.calls:8.1f} calls  {row.name} at {row.place}"
                for row in profile.functions[:_MAX_ROWS]
            ],
        ),
        (
            "memory",
            [
                f"{size / 2**20:10.1f} MiB  peak in {phase}"
                for phase, size in profile.peak_bytes.items()
            ],
        ),
        (
            "reorders",
            [
                f"{1000 * row.seconds:10.3f} ms {row.calls:8.1f} calls  {row.shape}: {row.layouts}"
                for row in profile.reorders[:_MAX_ROWS]
            ],
        ),
        (
            "XLA",
            [
                f"{1000 * row.seconds:10.3f} ms {row.calls:8.1f} calls  {row.name}"
                for row in profile.xla_times
            ],
        ),
    ]
    return [
        f"  {title if number == 0 else '':<9} {line}"
        for title, lines in sections
        for number, line in enumerate(lines)
    ]


def _modules(cell: Cell) -> list[str]:
    return [key for key in module_keys(cell.module) if "*" not in key]


def _rows(
    profile: Profile, keys: Callable[[Cell], Iterable[str]], *, counts: bool = True
) -> list[str]:
    """Return the parts that take most of the time, with their share of the step."""
    totals: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for cell in profile.cells:
        for key in keys(cell):
            totals[key][0] += cell.seconds
            totals[key][1] += cell.calls
    ordered = sorted(totals.items(), key=lambda item: -item[1][0])[:_MAX_ROWS]
    whole = sum(cell.seconds for cell in profile.cells) or 1.0
    return [
        f"{1000 * seconds:10.3f} ms {100 * seconds / whole:5.1f} %"
        f"{f' {calls:8.1f} calls' if counts else ''}  {name}"
        for name, (seconds, calls) in ordered
    ]
