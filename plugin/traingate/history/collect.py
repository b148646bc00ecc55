"""Collect the history of all benchmarks of a storage from the summaries of its runs."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

import msgspec

from traingate.baselines.comparability import environment_changes
from traingate.baselines.saved_runs import file_name
from traingate.baselines.summaries import LaunchSummary, RunSummary, TestSummary
from traingate.errors import ConfigurationError
from traingate.gate.statistics import mean_interval
from traingate.history.anchors import change_since, choose_anchor, in_percent
from traingate.history.levels import Ramp, find_changes, point_spread
from traingate.records import stack_label
from traingate.records.history import (
    History,
    HistoryCommit,
    HistoryPoint,
    LevelChange,
    Series,
)

OTHER_COMMITS: Final = "of commits that are no ancestors"
UNKNOWN_COMMITS: Final = "of a working tree that differed from its commit, or without a commit"

_Key: TypeAlias = tuple[str, ...]
_Tests: TypeAlias = dict[int, list[TestSummary]]
"""Measurements of one series by the index of their commit, the oldest first."""


def collect_history(
    runs: Sequence[RunSummary],
    commits: Sequence[HistoryCommit] | None,
    *,
    reference: str = "",
    anchor: str | None = None,
    tolerance_percent: float = 5.0,
) -> History:
    """Return the history of all tests.

    A series has one test on one kind of machine: its hardware, its environment's name and the
    library of its yardstick are the same at all points. Runs of one commit are one point.

    Args:
        runs: Summaries of the saved runs, oldest first.
        commits: Commits that the history may have, each after its parents; None to take each run as
            a commit of its own, in the order of saving.
        reference: Name of the last commit.
        anchor: Full name of the commit that the newest level is compared with; None for the newest
            tag or accepted change.
        tolerance_percent: Largest loss since the anchor that is let through, in percent.

    Raises:
        ConfigurationError: If the anchor is none of the commits.
    """
    if commits is None:
        commits = [HistoryCommit(hash=file_name(run.path), date=run.saved_at) for run in runs]
        places = [*range(len(runs))]
        left_out: dict[str, int] = {}
    else:
        places, left_out = _places(runs, commits)
    measured = sorted({place for place in places if place >= 0})
    indexes = {place: index for index, place in enumerate(measured)}
    groups: dict[_Key, _Tests] = defaultdict(lambda: defaultdict(list))
    for run, place in zip(runs, places, strict=True):
        for test in run.tests if place >= 0 else ():
            tests = groups[_key(test)][indexes[place]]
            tests += _without_copied_launches(test, tests)
    kept_commits = tuple(commits[place] for place in measured)
    named = _anchor_index(anchor, commits, measured)
    series = [_series(tests, kept_commits, named, tolerance_percent) for tests in groups.values()]
    return History(
        reference=reference,
        tolerance_percent=tolerance_percent,
        commits=kept_commits,
        series=tuple(sorted(series, key=lambda item: (item.test, item.machine))),
        left_out=left_out,
    )


def _without_copied_launches(
    test: TestSummary, others: Sequence[TestSummary]
) -> Sequence[TestSummary]:
    """Return *test* with those of its launches alone that *others* lack; nothing if it has none.

    A run may lie in a storage twice, as a copy or a link.
    """
    seen = {launch for other in others for launch in other.launches}
    new = tuple(launch for launch in test.launches if launch not in seen)
    return [replace(test, launches=new)] if new else []


def _places(
    runs: Sequence[RunSummary], commits: Sequence[HistoryCommit]
) -> tuple[list[int], dict[str, int]]:
    """Return the index of each run's commit, -1 without one, and why runs are left out."""
    positions = {commit.hash: index for index, commit in enumerate(commits)}
    places = [positions.get(run.commit or "", -1) for run in runs]
    reasons = Counter(
        UNKNOWN_COMMITS if run.commit is None else OTHER_COMMITS
        for run, place in zip(runs, places, strict=True)
        if place < 0
    )
    return places, dict(reasons)


def _anchor_index(
    anchor: str | None, commits: Sequence[HistoryCommit], measured: Sequence[int]
) -> int | None:
    """Return the index, among the measured commits, of the last one up to the anchor.

    Returns:
        The index; -1 if all are newer; None if no anchor was named.

    Raises:
        ConfigurationError: If the anchor is none of the commits.
    """
    if anchor is None:
        return None
    place = next((index for index, item in enumerate(commits) if item.hash == anchor), None)
    if place is None:
        raise ConfigurationError(f"the anchor {anchor} is no ancestor of the history's commit")
    return sum(index <= place for index in measured) - 1


def _key(test: TestSummary) -> _Key:
    """Return what all points of a series have in common."""
    machine = test.machine
    hardware = (machine.cpu, machine.architecture, machine.cores, machine.numa_nodes)
    parts = (
        test.test,
        test.workload,
        msgspec.json.encode(test.stack, order="sorted").decode(),
        test.scale,
        test.batch_size,
        test.environment_name,
        test.yardstick,
        *hardware,
        *machine.instruction_sets,
    )
    return tuple(map(str, parts))


def _series(
    tests: Mapping[int, Sequence[TestSummary]],
    commits: Sequence[HistoryCommit],
    named_anchor: int | None,
    tolerance_percent: float,
) -> Series:
    """Return the series of one test.

    Args:
        tests: Its measurements by the index of the commit.
        commits: Commits of the history.
        named_anchor: Index of the anchor's commit; None for the newest tag or accepted change.
        tolerance_percent: Largest loss since the anchor that is let through, in percent.
    """
    logs = _log_throughputs(tests)
    values = [statistics.fmean(logs[index]) for index in sorted(tests)]
    launch_counts = [len(logs[index]) for index in sorted(tests)]
    points = _points(tests, logs)
    spread = point_spread(values, launch_counts)
    ramps = find_changes(values, spread)
    anchor = choose_anchor(points, commits, named_anchor)
    newest = tests[max(tests)][-1]
    return Series(
        test=newest.test,
        stack=stack_label(newest.stack),
        scale=newest.scale,
        batch_size=newest.batch_size,
        environment_name=newest.environment_name,
        machine=newest.machine.title,
        points=tuple(points),
        changes=tuple(_level_change(ramp, points) for ramp in ramps),
        since_anchor=anchor
        and change_since(
            *anchor,
            values,
            ramps=ramps,
            spread=spread,
            tolerance_percent=tolerance_percent,
        ),
    )


def _log_throughputs(tests: Mapping[int, Sequence[TestSummary]]) -> dict[int, list[float]]:
    """Return the logarithms of the launches' throughput, relative to the yardstick, by commit.

    The unit of the yardstick is the median of its times over all launches, as in the gate.
    """
    launches = [launch for items in tests.values() for item in items for launch in item.launches]
    gemm_unit = statistics.median(launch.gemm_seconds for launch in launches)
    triad_unit = statistics.median(launch.triad_seconds for launch in launches)

    def log_throughput(launch: LaunchSummary, batch_size: int) -> float:
        factor = (launch.gemm_seconds / gemm_unit + launch.triad_seconds / triad_unit) / 2
        return math.log(batch_size * factor / launch.seconds_per_step)

    return {
        index: [
            log_throughput(launch, item.batch_size) for item in items for launch in item.launches
        ]
        for index, items in tests.items()
    }


def _points(
    tests: Mapping[int, Sequence[TestSummary]], logs: Mapping[int, Sequence[float]]
) -> list[HistoryPoint]:
    """Return the points of a series in the order of their commits."""
    points: list[HistoryPoint] = []
    previous: TestSummary | None = None
    for index in sorted(tests):
        newest = tests[index][-1]
        interval = mean_interval(logs[index])
        is_same = previous is None or previous.environment is newest.environment
        changes = (
            ()
            if is_same or previous is None
            else environment_changes(previous.environment, newest.environment)
        )
        points.append(
            HistoryPoint(
                commit=index,
                samples_per_second=math.exp(statistics.fmean(logs[index])),
                interval=interval and (math.exp(interval[0]), math.exp(interval[1])),
                launches=len(logs[index]),
                outcome=newest.outcome,
                failed=newest.is_rejected,
                accepted=next((item.accepted for item in tests[index] if item.accepted), ""),
                environment_changes=tuple(changes),
            )
        )
        previous = newest
    return points


def _level_change(ramp: Ramp, points: Sequence[HistoryPoint]) -> LevelChange:
    change_percent, interval = in_percent(ramp.change, ramp.standard_error)
    inside = points[ramp.before + 1 : ramp.after + 1]
    return LevelChange(
        kind="jump" if ramp.is_jump else "creep",
        before=ramp.before,
        after=ramp.after,
        change_percent=change_percent,
        interval=interval,
        accepted=next((point.accepted for point in inside if point.accepted), ""),
    )
