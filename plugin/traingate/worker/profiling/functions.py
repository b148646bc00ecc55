"""Profile the Python functions of the user's code, to name the place of what is slow."""

from __future__ import annotations

import cProfile
import os
import pstats
from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeAlias

from traingate.imports.library_paths import is_library_path
from traingate.protocol.json_values import JSON

_PACKAGE: Final = str(Path(__file__).resolve().parents[2])
_MAX_FUNCTIONS: Final = 50
_MAX_DEPTH: Final = 40

_Function: TypeAlias = tuple[str, int, str]
"""File, line and name of a function, as ``pstats`` has them; the file of a C function is ``~``."""

_Stats: TypeAlias = Mapping[_Function, tuple[int, int, float, float, Mapping[_Function, Any]]]
"""Calls, own and whole seconds of each function, and the same by its callers."""


def profile_functions(step: Callable[[], object], steps: int, tree: str) -> list[dict[str, JSON]]:
    """Profile calls of *step* by ``cProfile``, and return a table of the user's functions.

    Args:
        step: Function that takes one step.
        steps: Number of calls.
        tree: Folder that paths are relative to, if they are inside of it.

    Returns:
        For each function of the user's code its ``place`` (``file:line``), ``name``, ``calls`` and
        ``seconds`` per step, the most expensive first. The seconds are those in the function and in
        functions of libraries that it has called, but not in other functions of the user.
    """
    profiler = cProfile.Profile()
    profiler.enable()
    try:
        for _ in range(steps):
            step()
    finally:
        profiler.disable()
    return function_table(pstats.Stats(profiler).stats, steps, tree)  # type: ignore[attr-defined]


def profile_samples(dataset: Any, samples: int, tree: str) -> list[dict[str, JSON]]:
    """Return the table of functions of fetching single samples in this process, per sample.

    Data workers fetch in processes of their own, which a profiler of this process does not see. The
    table is empty if the dataset cannot be read here.
    """
    profiler = cProfile.Profile()
    try:
        if hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__"):
            indexes = range(min(samples, len(dataset)))
            profiler.enable()
            count = sum(1 for index in indexes if dataset[index] is not None)
        else:
            profiler.enable()
            count = sum(1 for _ in islice(iter(dataset), samples))
    except Exception:  # the measurement is complete without this table
        return []
    finally:
        profiler.disable()
    stats = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
    return function_table(stats, max(1, count), tree)


def function_table(stats: _Stats, count: int, tree: str) -> list[dict[str, JSON]]:
    """Return the rows of ``profile_functions`` from the statistics of ``pstats``.

    The own time of a library's function goes to the functions that have called it, in proportion to
    the time for which each has (as gprof does; S. Graham, P. Kessler, M. McKusick, 1982).
    """
    seconds: dict[_Function, float] = defaultdict(float)
    of_libraries = _own_seconds(stats)
    for _ in range(_MAX_DEPTH):
        passed_on: dict[_Function, float] = defaultdict(float)
        for function, own_seconds in of_libraries.items():
            if is_user_code(function[0]):
                seconds[function] += own_seconds
                continue
            for caller, share in _caller_shares(function, stats):
                passed_on[caller] += share * own_seconds
        of_libraries = passed_on
    rows: list[dict[str, JSON]] = [
        {
            "place": f"{_relative(file, tree)}:{line}",
            "name": name,
            "calls": stats[file, line, name][1] / count,
            "seconds": function_seconds / count,
        }
        for (file, line, name), function_seconds in seconds.items()
    ]
    return sorted(rows, key=lambda row: -float(row["seconds"]))[:_MAX_FUNCTIONS]  # type: ignore[arg-type]


def _own_seconds(stats: _Stats) -> dict[_Function, float]:
    """Return the own time of each user's function, and that of a library's by its callers."""
    seconds: dict[_Function, float] = defaultdict(float)
    for function, (_, _, own_seconds, _, callers) in stats.items():
        if is_user_code(function[0]) or not callers:
            seconds[function] += own_seconds
            continue
        for caller, (_, _, own_seconds_of_call, _) in callers.items():
            if caller != function:
                seconds[caller] += own_seconds_of_call
    return seconds


def _caller_shares(function: _Function, stats: _Stats) -> list[tuple[_Function, float]]:
    """Return the callers of a function, each with its share of the time in it."""
    callers = stats[function][4] if function in stats else {}
    total = sum(caller[3] for caller in callers.values())
    if total <= 0:
        return []
    return [(name, caller[3] / total) for name, caller in callers.items() if name != function]


def is_user_code(file: str) -> bool:
    """Return whether a function's file is neither of Python, of a library, nor of traingate."""
    if file.startswith(("~", "<")) or file.startswith(_PACKAGE + os.sep):
        return False
    return not is_library_path(Path(file))


def _relative(file: str, tree: str) -> str:
    """Return the path of a file, relative to *tree* if it is inside."""
    return os.path.relpath(file, tree) if tree and file.startswith(tree + os.sep) else file
