"""Make a saved run that pytest-benchmark has loaded safe for its table, whoever wrote it.

pytest's hooks import this module at the start of each run, so it imports the standard library, and
modules of traingate that do the same.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from traingate.baselines.run_files import MAX_RUN_BYTES, matching_files
from traingate.errors import BaselineError, DamagedRecordError
from traingate.untrusted.files import read_bounded

_SHOWN: Final = frozenset(
    {
        *("min", "max", "mean", "stddev", "median", "iqr", "ops", "rounds", "iterations"),
        *("q1", "q3", "ld15iqr", "hd15iqr"),  # --benchmark-histogram reads them
    }
)
"""Statistics of each benchmark that pytest-benchmark reads: it saves all of them."""

_FURTHER: Final = frozenset({"total", "iqr_outliers", "stddev_outliers"})
"""Statistics that it saves, and does not read."""

_LARGEST: Final = 2.0**63
"""Limit of statistics: pytest-benchmark multiplies them by up to 1e9, and prints all digits."""

_OUTLIERS: Final = re.compile(r"[0-9]{1,9};[0-9]{1,9}")

_MAX_DEPTH: Final = 100
"""Number of levels of a description of a machine: pytest-benchmark writes it as JSON, in which
Python nests some hundred values."""


def keep_what_can_be_shown(run: dict[str, Any], machine_info: dict[str, Any]) -> list[str]:
    """Remove from a run what pytest-benchmark would print as it is, or fail at.

    It copies all statistics of a saved benchmark over its own fields, such as the name, and expects
    numbers in them. traingate itself reads the file again, and refuses a damaged record.

    A run with records of traingate gets the machine of this session: pytest-benchmark would compare
    the present clock rate, which always differs. traingate compares the hardware.

    Args:
        run: Content of the file, as pytest-benchmark has loaded it; is changed.
        machine_info: Machine of this session, as pytest-benchmark describes it.

    Returns:
        Names of the benchmarks that were removed, sorted.
    """
    if not isinstance(run.get("machine_info"), dict) or _is_deep(run["machine_info"]):
        run["machine_info"] = {}
    removed = _unshowable(run)
    run["benchmarks"] = [item for item in run["benchmarks"] if _can_be_shown(item)]
    for benchmark in run["benchmarks"]:
        benchmark["stats"] = {
            name: value
            for name, value in benchmark["stats"].items()
            if (name in _SHOWN | _FURTHER and _is_number(value)) or name == "outliers"
        }
    infos = [benchmark.get("extra_info") for benchmark in run["benchmarks"]]
    if any(isinstance(info, dict) and "traingate" in info for info in infos):
        run["machine_info"] = machine_info
    return removed


def statistics_error(
    removed: Sequence[str], storage: str, selection: str | bool
) -> DamagedRecordError:
    """Return the error of a run with benchmarks that cannot be held against limits.

    Args:
        removed: Benchmarks that ``keep_what_can_be_shown`` has removed from the run.
        storage: Value of ``--benchmark-storage``.
        selection: Value of ``--benchmark-compare``.
    """
    problem = (
        f"--benchmark-compare-fail cannot judge by the statistics of {removed[0][:200]}: some are "
        "missing, or no numbers that pytest-benchmark writes"
    )
    files: list[Path] = []
    with contextlib.suppress(BaselineError):  # the storage has changed since
        files = matching_files(storage, selection)
    damaged_files = (file for file in reversed(files) if set(removed) <= set(_unshowable_in(file)))
    return DamagedRecordError.of(next(damaged_files, storage), problem)


def _unshowable_in(file: Path) -> list[str]:
    """Return the same as ``_unshowable`` of a file; nothing if pytest-benchmark cannot load it."""
    try:
        return _unshowable(json.loads(read_bounded(file, MAX_RUN_BYTES)))
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        return []


def _unshowable(run: dict[str, Any]) -> list[str]:
    """Return the names of the benchmarks of a run that pytest-benchmark would fail at, sorted."""
    benchmarks = [item for item in run["benchmarks"] if not _can_be_shown(item)]
    names = [item.get("fullname") if isinstance(item, dict) else None for item in benchmarks]
    return sorted(name if isinstance(name, str) else "a benchmark without name" for name in names)


def _can_be_shown(benchmark: object) -> bool:
    if not isinstance(benchmark, dict) or not isinstance(benchmark.get("fullname"), str):
        return False
    statistics = benchmark.get("stats")
    return (
        isinstance(statistics, dict)
        and all(_is_number(statistics.get(name)) for name in _SHOWN)
        and _is_outliers(statistics.get("outliers"))
    )


def _is_number(value: object) -> bool:
    """Return whether this is a number of a usual size: neither infinite nor NaN."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) <= _LARGEST


def _is_outliers(value: object) -> bool:
    return isinstance(value, str) and _OUTLIERS.fullmatch(value) is not None


def _is_deep(value: object) -> bool:
    """Return whether more than ``_MAX_DEPTH`` lists and objects are inside of each other."""
    values = [value]
    for _ in range(_MAX_DEPTH + 1):
        containers = [item for item in values if isinstance(item, dict | list)]
        if not containers:
            return False
        values = [
            child
            for item in containers
            for child in (item.values() if isinstance(item, dict) else item)
        ]
    return True
