"""Explain the change between two sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from traingate.causes.alignment import with_modules_of
from traingate.causes.cells import CellChange, compare_cells, corrected_by_phases
from traingate.causes.groups import Group, find_causes, module_keys
from traingate.causes.wording import SINGLE_SHARE, Sides, part_of, sentence_of
from traingate.records.explanation import Explanation, PartChange, PhaseChange
from traingate.records.profile import Profile
from traingate.records.units import Interval

_COMPILED_PHASES: Final = frozenset({"forward", "backward", "other"})
_MAX_ROWS: Final = 10
_MIN_ROW_SHARE: Final = 0.02
_NOTABLE_RATIO: Final = 1.2
_SECONDS_PER_FAULT: Final = 0.5e-6
"""Time of a minor page fault, by its order of magnitude: to clear and to map 4 KiB."""

_NOTABLE_FAULT_SHARE: Final = 0.05


def explain_change(
    base: Profile,
    candidate: Profile,
    phases: Sequence[PhaseChange],
    change: float,
    *,
    change_interval: Interval | None = None,
    compilations: Sequence[str] = (),
    facts: Sequence[str] = (),
) -> Explanation:
    """Return where the time of a step was lost or won.

    Args:
        base: Profile of the base.
        candidate: Profile of the candidate.
        phases: Changes of the phases in timed steps.
        change: Change of a timed step, in seconds.
        change_interval: 95 % interval of *change*.
        compilations: Counters of compilers that are worse than those of the base, a sentence each.
        facts: Further differences, a line each, which no profile has.
    """
    base = with_modules_of(candidate, base)
    sides = Sides(base, candidate)
    cells = corrected_by_phases(compare_cells(base, candidate), phases)
    causes = [part_of(group, sides, change) for group in find_causes(cells, change)]
    operators = _rows(cells, sides, change, lambda cell: (cell.operator,))
    sentence = sentence_of(causes, change, _spread(cells, change), sides)
    broken_part = _compiled_part(phases, change, compilations)
    if broken_part is not None:
        causes = [broken_part, *(cause for cause in causes if cause.phase not in _COMPILED_PHASES)]
        sentence = sentence_of(causes, change, 0, sides)
    return Explanation(
        sentence=sentence,
        change=change,
        change_interval=change_interval,
        causes=tuple(_with_intervals(causes, change_interval)),
        unexplained_seconds=change - sum(cause.change for cause in causes),
        phases=tuple(phases),
        operators=operators,
        modules=_module_rows(cells, sides, change),
        facts=(*_facts(sides, change), *facts),
    )


def _compiled_part(
    phases: Iterable[PhaseChange], change: float, compilations: Sequence[str]
) -> PartChange | None:
    """Return the part that compilers work on, if they do it worse and it is the slower one."""
    if not compilations:
        return None
    compiled = [phase for phase in phases if phase.phase in _COMPILED_PHASES]
    seconds = sum(phase.seconds for phase in compiled)
    base_seconds = sum(phase.base_seconds for phase in compiled)
    share = (seconds - base_seconds) / change if change else 0.0
    if share < SINGLE_SHARE:
        return None
    return PartChange(
        title="; ".join(compilations), base_seconds=base_seconds, seconds=seconds, share=share
    )


def _with_intervals(
    causes: Iterable[PartChange], change_interval: Interval | None
) -> list[PartChange]:
    """Return the causes with the intervals of their shares, as far as the whole change has one.

    The profile gives the seconds of a part, and the pairs those of the whole, so the share is as
    uncertain as the whole.
    """
    if change_interval is None or change_interval[0] * change_interval[1] <= 0:
        return list(causes)
    return [
        msgspec.structs.replace(
            cause, share_interval=_sorted_interval(cause.change / end for end in change_interval)
        )
        for cause in causes
    ]


def _sorted_interval(ends: Iterable[float]) -> Interval:
    low, high = sorted(ends)
    return low, high


def _rows(
    cells: Iterable[CellChange],
    sides: Sides,
    change: float,
    keys: Callable[[CellChange], Iterable[str]],
) -> tuple[PartChange, ...]:
    """Return the groups of cells with the same key that have changed most, as rows of a table."""
    members: dict[str, list[CellChange]] = defaultdict(list)
    for cell in cells:
        for key in keys(cell):
            members[key].append(cell)
    groups = [Group(None, None, key, tuple(group)) for key, group in members.items()]
    return _largest(groups, sides, change)


def _module_rows(
    cells: Iterable[CellChange], sides: Sides, change: float
) -> tuple[PartChange, ...]:
    """Return the modules that have changed most, each with the modules inside of it."""
    members: dict[str, list[CellChange]] = defaultdict(list)
    for cell in cells:
        for key in module_keys(cell.module):
            if "*" not in key:
                members[key].append(cell)
    groups = [Group(None, key, None, tuple(group)) for key, group in members.items()]
    return _largest(groups, sides, change)


def _largest(groups: Sequence[Group], sides: Sides, change: float) -> tuple[PartChange, ...]:
    notable = [group for group in groups if abs(group.change) >= _MIN_ROW_SHARE * abs(change)]
    notable.sort(key=lambda group: -abs(group.change))
    return tuple(part_of(group, sides, change) for group in notable[:_MAX_ROWS])


def _spread(cells: Iterable[CellChange], change: float) -> int:
    """Return the number of operators that have changed in the direction of the whole step."""
    totals: dict[str, float] = defaultdict(float)
    for cell in cells:
        totals[cell.operator] += cell.change
    return sum(total * change > 0 for total in totals.values())


def _facts(sides: Sides, change: float) -> Iterable[str]:
    """Yield the differences of threads, memory, page faults, reorders, and of XLA's own times."""
    base, candidate = sides.base, sides.candidate
    if sides.changed_threads is not None:
        before, now = sides.changed_threads
        yield f"threads of an operator: {before} to {now}"
    for phase in sorted(base.peak_bytes.keys() | candidate.peak_bytes.keys()):
        old, new = base.peak_bytes.get(phase, 0), candidate.peak_bytes.get(phase, 0)
        if _differ(old, new):
            yield f"peak memory of tensors in {phase}: {old / 2**20:.1f} to {new / 2**20:.1f} MiB"
    if base.page_faults is not None and candidate.page_faults is not None:
        seconds = _SECONDS_PER_FAULT * (candidate.page_faults - base.page_faults)
        if seconds * change > 0 and abs(seconds) >= _NOTABLE_FAULT_SHARE * abs(change):
            yield f"minor page faults per step: {base.page_faults} to {candidate.page_faults}"
    old_reorders, new_reorders = (
        (sum(row.calls for row in side.reorders), sum(row.seconds for row in side.reorders))
        for side in (base, candidate)
    )
    if _differ(old_reorders[0], new_reorders[0]):
        yield (
            f"oneDNN reorders per step: {old_reorders[0]:.0f} to {new_reorders[0]:.0f} "
            f"({1000 * old_reorders[1]:.3g} to {1000 * new_reorders[1]:.3g} ms)"
        )
    old_times = {row.name: row for row in base.xla_times}
    for row in candidate.xla_times:
        old_row = old_times.get(row.name)
        if old_row is not None and _differ(old_row.seconds, row.seconds):
            yield (
                f"{row.name} of XLA per step: {1000 * old_row.seconds:.3g} to "
                f"{1000 * row.seconds:.3g} ms"
            )


def _differ(old: float, new: float) -> bool:
    low, high = sorted((old, new))
    return high > 0 and high >= _NOTABLE_RATIO * low
