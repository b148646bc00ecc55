"""Rules by which other tools decide, from step times, that a run is slower than a stored one.

Each rule takes the step times of the stored and of the new launches, one list per launch, and
returns whether the tool would fail the build.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Final, TypeAlias

from scipy.stats import mannwhitneyu, ttest_ind

Launches: TypeAlias = Sequence[Sequence[float]]
Rule: TypeAlias = Callable[[Launches, Launches], bool]

_ASV_P: Final = 0.002
_ASV_FACTOR: Final = 1.1
_PYPERF_VALUES: Final = 3
_PYPERF_P: Final = 0.05


def _pooled(launches: Launches) -> list[float]:
    """Return the step times of all launches."""
    return list(chain.from_iterable(launches))


def pytest_benchmark(percent: float) -> Rule:
    """Return the rule of ``--benchmark-compare-fail=median:PERCENT%``, which compares medians.

    The medians are over all rounds. pytest-benchmark runs its rounds in one process; here they come
    from several processes, which is in its favour.
    Source: pytest_benchmark.utils.PercentageRegressionCheck.

    Args:
        percent: Increase of the median above which the rule fails, in percent.
    """

    def fails(stored: Launches, new: Launches) -> bool:
        before, after = statistics.median(_pooled(stored)), statistics.median(_pooled(new))
        return 100 * (after - before) / before > percent

    return fails


def pytest_torch(stored: Launches, new: Launches) -> bool:
    """Return whether pytest-torch fails.

    It fails if the median is more than a quarter above the stored one.
    """
    return statistics.median(_pooled(new)) > 1.25 * statistics.median(_pooled(stored))


def asv(stored: Launches, new: Launches) -> bool:
    """Return whether ``asv continuous`` fails.

    It fails if Mann-Whitney's p is below 0.002 and the new median is more than 1.1 times the stored
    one.
    Source: asv.commands.compare and asv_runner.statistics.is_different.
    """
    before, after = _pooled(stored), _pooled(new)
    if statistics.median(after) / statistics.median(before) <= _ASV_FACTOR:
        return False
    return bool(mannwhitneyu(before, after, alternative="two-sided").pvalue < _ASV_P)


def pyperf(stored: Launches, new: Launches) -> bool:
    """Return whether ``pyperf compare_to`` reports "slower, significant", by Student's t at 95 %.

    Each process contributes three values, each the mean of a third of its steps. pyperf never fails
    a build; here its report counts as a failure. Source: pyperf._utils.is_significant.
    """
    before, after = _values(stored), _values(new)
    slower = statistics.fmean(after) > statistics.fmean(before)
    return slower and bool(ttest_ind(before, after).pvalue < _PYPERF_P)


def _values(launches: Launches) -> list[float]:
    """Return the values of all launches, as pyperf has them: three for each process."""
    values = []
    for steps in launches:
        third = len(steps) // _PYPERF_VALUES
        values += [
            statistics.fmean(steps[start * third : (start + 1) * third])
            for start in range(_PYPERF_VALUES)
        ]
    return values


PROCESSES: Final = {"asv (p < 0.002, factor 1.1)": 2}
"""Launches of each side for a tool that has a fixed number of them; others get as many as the time
allows."""

RULES: Final[dict[str, Rule]] = {
    "pytest-benchmark median:5%": pytest_benchmark(5),
    "pytest-benchmark median:10%": pytest_benchmark(10),
    "pytest-torch (median, 25 %)": pytest_torch,
    "asv (p < 0.002, factor 1.1)": asv,
    "pyperf (t test, 95 %)": pyperf,
}
