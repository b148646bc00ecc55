"""Make a saved run that pytest-benchmark has loaded safe for its table, whoever wrote it.

pytest's hooks import this module at the start of each run, so it imports the standard library
alone.
"""

from __future__ import annotations

import re
from typing import Any, Final

_SHOWN: Final = frozenset({"min", "max", "mean", "stddev", "median", "iqr", "ops", "rounds"})
"""Statistics that each benchmark in pytest-benchmark's table has."""

_FURTHER: Final = frozenset(
    {"total", "iterations", "q1", "q3", "ld15iqr", "hd15iqr", "iqr_outliers", "stddev_outliers"}
)
"""Statistics that a user can ask for too."""

_OUTLIERS: Final = re.compile(r"\d+;\d+")


def keep_what_can_be_shown(run: dict[str, Any]) -> None:
    """Remove from a run what pytest-benchmark would print as it is, or fail at.

    It copies all statistics of a saved benchmark over its own fields, such as the name, and expects
    numbers in them. traingate itself reads the file again, and refuses a damaged record.

    Args:
        run: Content of the file, as pytest-benchmark has loaded it; is changed.
    """
    if not isinstance(run.get("machine_info"), dict):
        run["machine_info"] = {}
    run["benchmarks"] = [item for item in run["benchmarks"] if _can_be_shown(item)]
    for benchmark in run["benchmarks"]:
        benchmark["stats"] = {
            name: value
            for name, value in benchmark["stats"].items()
            if (name in _SHOWN | _FURTHER and _is_number(value))
            or (name == "outliers" and _is_outliers(value))
        }


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
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_outliers(value: object) -> bool:
    return isinstance(value, str) and _OUTLIERS.fullmatch(value) is not None
