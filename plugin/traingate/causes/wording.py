"""Put causes into words: the part of the step, what has changed about it, and its place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from traingate.causes.groups import Group
from traingate.records.explanation import PartChange
from traingate.records.profile import FunctionTime, Profile

PYTHON: Final = "Python"
"""Name of the cells of the time between operators."""

_PHASE_TITLES: Final = {
    "data": "waiting for data",
    "transfer": "the transforms of the batch",
    "optimizer": "the optimizer step",
    "other": "the rest of the step",
}

_EQUAL_CALLS: Final = 0.5
"""Difference of two numbers of calls per step, up to which they are taken for equal."""

_NAMED_OPERATORS: Final = 3

SINGLE_SHARE: Final = 0.5
"""Smallest share of a cause that is named alone."""

_MIN_FUNCTION_CHANGE: Final = 0.2
"""Smallest change of a function's time that is named, relative to that time."""

_SYNCHRONIZATION: Final = "aten::item"
"""Operator of ``Tensor.item()``. It is cheap by itself, but is named where it is new."""

_MIN_OPERATOR_SHARE: Final = 0.1
"""Smallest share of an operator that is named, relative to the change of its group."""

FunctionChange: TypeAlias = "tuple[FunctionTime | None, FunctionTime | None]"
"""Function of the base and of the candidate; None where it is not called."""


@dataclass(frozen=True)
class Sides:
    """Profiles of both sides, for the names of classes and functions.

    Attributes:
        base: Profile of the base.
        candidate: Profile of the candidate.
    """

    base: Profile
    candidate: Profile

    @property
    def changed_threads(self) -> tuple[int, int] | None:
        """Return the threads of an operator of base and candidate, None if they are as many."""
        before, now = self.base.threads, self.candidate.threads
        return None if before is None or now is None or before == now else (before, now)

    @property
    def is_slower(self) -> bool:
        """Return whether the profiled steps of the candidate take longer."""
        return self.candidate.step_seconds >= self.base.step_seconds


def part_of(group: Group, sides: Sides, change: float) -> PartChange:
    """Return a group of cells as a part of the step, with its title.

    Args:
        group: Cells that belong together.
        sides: Profiles of both sides.
        change: Change of the whole step in seconds.
    """
    phases = {cell.phase for cell in group.cells}
    operators = {cell.operator for cell in group.cells}
    return PartChange(
        title=_title(group, sides),
        phase=group.phase or (phases.pop() if len(phases) == 1 else ""),
        module=group.module or "",
        operator=group.operator or (operators.pop() if len(operators) == 1 else ""),
        base_calls=group.base_calls,
        calls=group.calls,
        base_seconds=group.base_seconds,
        seconds=group.base_seconds + group.change,
        share=group.change / change if change else 0.0,
    )


def sentence_of(
    causes: Sequence[PartChange], change: float, moved_operators: int, sides: Sides
) -> str:
    """Return the first line of an explanation.

    One cause is named if it explains at least half of the change. Otherwise the sentence says that
    there is no single cause, and names the largest parts if there are any.

    Args:
        causes: Causes, the largest first.
        change: Change of the whole step in seconds.
        moved_operators: Number of operators over which the change is spread.
        sides: Profiles of both sides.
    """
    word = "slowdown" if change >= 0 else "speed-up"
    if causes and causes[0].share >= SINGLE_SHARE:
        return f"{causes[0].title}: {_amount(causes[0])}, {_percent(causes[0])} of the {word}"
    if causes:
        parts = "; ".join(f"{cause.title} ({_percent(cause)})" for cause in causes[:3])
        return f"no single cause of the {word}: {parts}"
    threads = ""
    if sides.changed_threads is not None:
        before, now = sides.changed_threads
        threads = f", with {now} instead of {before} threads each"
    return f"no single cause of the {word}: it is spread over {moved_operators} operators{threads}"


def _amount(part: PartChange) -> str:
    return f"{1000 * part.change:+.3g} ms per step"


def _percent(part: PartChange) -> str:
    return f"{100 * part.share:.0f} %"


def _title(group: Group, sides: Sides) -> str:
    """Return what has changed, and where."""
    phases = {cell.phase for cell in group.cells}
    phase = phases.pop() if len(phases) == 1 else ""
    if phase == "data":
        return "waiting for data" + _function_clause(
            _data_functions(sides), is_slower=sides.is_slower
        )
    if phase == "optimizer":
        return _optimizer_title(group, sides)
    operator = group.operator or _only_operator(group)
    place = _place(group, sides, phase)
    if operator == PYTHON:
        return f"Python code{place}{_step_function(sides)}"
    function = "" if _modules(group) - {""} else _step_function(sides)
    if operator:
        return f"{operator} {_calls_clause(group)}{place}{function}"
    title = place.strip().removeprefix("in ") or _PHASE_TITLES.get(phase, phase or "the step")
    return f"{title}{_operators_clause(group)}{function}"


def _optimizer_title(group: Group, sides: Sides) -> str:
    old, new = (" and ".join(side.optimizers) for side in (sides.base, sides.candidate))
    if old != new:
        return f"the optimizer step, of {new} instead of {old}"
    operator = group.operator or _only_operator(group)
    clause = f", {operator} {_calls_clause(group)}" if operator else _operators_clause(group)
    return f"the optimizer step{clause}"


def _only_operator(group: Group) -> str:
    operators = {cell.operator for cell in group.cells}
    return operators.pop() if len(operators) == 1 else ""


def _calls_clause(group: Group) -> str:
    """Return how the calls of an operator, or the time of each, have changed."""
    before, now = group.base_calls, group.calls
    if before < _EQUAL_CALLS <= now:
        return f"is new, {_count(now)} per step"
    if now < _EQUAL_CALLS <= before:
        return f"is gone, {_count(before)} per step"
    if abs(now - before) >= _EQUAL_CALLS:
        return f"{now - before:+.0f} calls per step"
    if not before:
        return "takes longer" if group.change > 0 else "takes less time"
    milliseconds = [1000 * seconds / before for seconds in (group.base_seconds, group.seconds)]
    word = "slower" if group.change > 0 else "faster"
    return f"is {word} per call ({milliseconds[0]:.3g} to {milliseconds[1]:.3g} ms)"


def _count(calls: float) -> str:
    return "one call" if round(calls) == 1 else f"{calls:.0f} calls"


def _place(group: Group, sides: Sides, phase: str) -> str:
    """Return a clause on the module, its class and the phase; empty outside of modules."""
    direction = f" ({phase})" if phase in {"forward", "backward"} else ""
    module = group.module or _common_module(group)
    if not module:
        return f" in {phase}" if direction else ""
    kinds = {
        side.module_types.get(cell.module, "")
        for side in (sides.base, sides.candidate)
        for cell in group.cells
        if _matches_whole(module, cell.module)
    } - {""}
    kind = f" ({' or '.join(sorted(kinds))})" if 0 < len(kinds) <= _NAMED_OPERATORS else ""
    return f" in {module}{kind}{direction}"


def _common_module(group: Group) -> str:
    modules = _modules(group)
    return modules.pop() if len(modules) == 1 else ""


def _modules(group: Group) -> set[str]:
    return {cell.module for cell in group.cells}


def _matches_whole(pattern: str, path: str) -> bool:
    """Return whether *pattern* stands for the module itself rather than for one around it."""
    return pattern.count(".") == path.count(".")


def _operators_clause(group: Group) -> str:
    """Return the operators of a group whose time has changed most, with their calls.

    The time between operators comes last: they are what it is spent on.
    """
    cells_by_operator = defaultdict(list)
    for cell in group.cells:
        cells_by_operator[cell.operator].append(cell)
    groups = [
        Group(None, None, operator, tuple(cells)) for operator, cells in cells_by_operator.items()
    ]
    sign = 1 if group.change >= 0 else -1
    groups.sort(key=lambda each: -sign * each.change)
    named = [
        each for each in groups if sign * each.change > _MIN_OPERATOR_SHARE * abs(group.change)
    ][:_NAMED_OPERATORS]
    named += [each for each in groups if each not in named and _is_synchronization(each)]
    named.sort(key=lambda each: each.operator == PYTHON)
    texts = [
        "Python code" if each.operator == PYTHON else f"{each.operator} {_calls_clause(each)}"
        for each in named
    ]
    return f": {', '.join(texts)}" if texts else ""


def _is_synchronization(group: Group) -> bool:
    return group.operator == _SYNCHRONIZATION and group.calls >= group.base_calls + _EQUAL_CALLS


def _step_function(sides: Sides) -> str:
    """Return a clause on the function of the user's code that has changed most in a step."""
    functions = _function_changes(sides.base.functions, sides.candidate.functions)
    return _function_clause(functions, is_slower=sides.is_slower)


def _data_functions(sides: Sides) -> list[FunctionChange]:
    """Return the functions that fetch data: of one sample if data workers do that."""
    base, candidate = sides.base, sides.candidate
    if base.sample_functions or candidate.sample_functions:
        return _function_changes(base.sample_functions, candidate.sample_functions)
    return _function_changes(base.functions, candidate.functions)


def _function_changes(
    base: Iterable[FunctionTime], candidate: Iterable[FunctionTime]
) -> list[FunctionChange]:
    """Return the functions of both sides by pairs, those whose time has changed most first."""
    pairs: dict[tuple[str, str], list[FunctionTime | None]] = defaultdict(lambda: [None, None])
    for index, functions in enumerate((base, candidate)):
        for function in functions:
            file = function.place.rpartition(":")[0]
            pairs[file, function.name][index] = function
    changes = [(old, new) for old, new in pairs.values()]
    return sorted(changes, key=lambda pair: -abs(_function_change(pair)))


def _function_change(pair: FunctionChange) -> float:
    old, new = pair
    return (new.seconds if new else 0.0) - (old.seconds if old else 0.0)


def _function_clause(changes: Sequence[FunctionChange], *, is_slower: bool) -> str:
    """Return a clause on the function whose time has changed most in the direction of the step."""
    sign = 1 if is_slower else -1
    for old, new in changes:
        change = sign * _function_change((old, new))
        function = new or old
        if function is not None and change > _MIN_FUNCTION_CHANGE * max(function.seconds, 1e-6):
            times = " to ".join(
                f"{1000 * (each.seconds if each else 0.0):.3g}" for each in (old, new)
            )
            return f", {function.name} at {function.place} ({times} ms)"
    return ""
