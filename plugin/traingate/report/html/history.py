"""Prepare the history: the throughput of each benchmark over the commits, in compact arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from traingate.records import Outcome
from traingate.records.history import History, HistoryPoint, Series, SinceAnchor
from traingate.report import figures
from traingate.report.html.chart import (
    Chart,
    Table,
    count_of,
    minus,
    significant_list,
    without_empty_columns,
)

_HASH_DIGITS: Final = 10
_MAX_SUBJECT: Final = 100

_OUTCOME_CODES: Final = {
    Outcome.PASSED: "p",
    Outcome.REGRESSED: "r",
    Outcome.IMPROVED: "i",
    Outcome.INCONCLUSIVE: "o",
    Outcome.NO_BASELINE: "n",
    None: "n",
}
"""Letters for the outcomes of points, of which a series may have thousands. A point that was not
compared is a new baseline."""


@dataclass(frozen=True)
class SeriesPart:
    """Part of the page for one series.

    Attributes:
        anchor: Id of the part.
        series: Series.
        about: Stack, scale, batch size, environment and machine in one line.
        newest: Throughput of the newest point with its interval.
        since_anchor: Sentence on the change since the anchor; empty if there is no anchor.
        since_change: That change in percent; empty if there is no anchor.
        is_loss: True if that change is a loss beyond the tolerance.
        changes: Changes of level in one line; empty if there are none.
        events: Changes of level, accepted and failed points, and changes of the environment.
        chart: Throughput over commits.
    """

    anchor: str
    series: Series
    about: str
    newest: str
    since_anchor: str
    since_change: str
    is_loss: bool
    changes: str
    events: Table
    chart: Chart


@dataclass(frozen=True)
class HistoryPart:
    """Part of the page for the whole history.

    Attributes:
        commits: Commits for the script of the page: hash, date, subject and tags, as arrays.
        series: Part of each series.
        left_out: Sentences on the runs that are no part of the history.
    """

    commits: dict[str, Any]
    series: list[SeriesPart]
    left_out: list[str]


def history_part(history: History | None) -> HistoryPart | None:
    """Return the part of the page for a history; None without any series.

    Args:
        history: History; None if there is none.
    """
    if history is None or not history.series:
        return None
    parts = [
        _series_part(history, series, f"series-{number}")
        for number, series in enumerate(history.series, start=1)
    ]
    left_out = [
        f"Left out: {count_of(count, 'run')} ({reason})"
        for reason, count in history.left_out.items()
    ]
    return HistoryPart(_commits(history), parts, left_out)


def _commits(history: History) -> dict[str, Any]:
    return {
        "hash": [commit.hash[:_HASH_DIGITS] for commit in history.commits],
        "date": [commit.date[:16].replace("T", " ") for commit in history.commits],
        "subject": [commit.subject[:_MAX_SUBJECT] for commit in history.commits],
        "tags": [
            [index, ", ".join(commit.tags)]
            for index, commit in enumerate(history.commits)
            if commit.tags
        ],
    }


def _series_part(history: History, series: Series, anchor: str) -> SeriesPart:
    newest = series.points[-1]
    since = series.since_anchor
    return SeriesPart(
        anchor=anchor,
        series=series,
        about=" · ".join(
            [
                series.stack,
                f"scale {series.scale}",
                f"batch size {series.batch_size}",
                *([series.environment_name] if series.environment_name != "today" else []),
                series.machine,
            ]
        ),
        newest=_with_interval(newest),
        since_anchor="" if since is None else _since(history, series, since),
        since_change="" if since is None else minus(f"{since.change_percent:+.1f} %"),
        is_loss=since is not None and since.is_loss,
        changes=_changes(series),
        events=_events(history, series),
        chart=Chart(
            kind="history",
            label=_label(series),
            data=_data(history, series),
            # The page makes the table of all points when somebody opens it: it can be very long.
            table=None,
            height=300,
        ),
    )


def _data(history: History, series: Series) -> dict[str, Any]:
    points = series.points
    intervals = [point.interval or (None, None) for point in points]
    since = series.since_anchor
    return {
        "commit": [point.commit for point in points],
        "y": significant_list(point.samples_per_second for point in points),
        "low": significant_list((low for low, _ in intervals), 4),
        "high": significant_list((high for _, high in intervals), 4),
        "launches": [point.launches for point in points],
        "outcome": "".join(_OUTCOME_CODES[point.outcome] for point in points),
        "failed": [index for index, point in enumerate(points) if point.failed],
        "accepted": [
            [index, point.accepted] for index, point in enumerate(points) if point.accepted
        ],
        "environment": [
            [index, list(point.environment_changes)]
            for index, point in enumerate(points)
            if point.environment_changes
        ],
        "changes": [
            {
                "kind": change.kind,
                "before": change.before,
                "after": change.after,
                "text": minus(f"{change.change_percent:+.1f} %"),
                "interval": minus(figures.percent(change.change_percent, change.interval)),
                "is_loss": change.change_percent < 0,
                "accepted": change.accepted,
            }
            for change in series.changes
            if max(change.before, change.after) < len(points)
        ],
        "anchor": since.anchor if since is not None and since.anchor < len(points) else None,
        "anchor_reason": "" if since is None else since.reason,
        "tolerance": history.tolerance_percent,
    }


def _label(series: Series) -> str:
    points = series.points
    rates = [point.samples_per_second for point in points]
    text = (
        f"Samples per second of {series.test} at {count_of(len(points), 'commit')}: between "
        f"{min(rates):.4g} and {max(rates):.4g}, newest {rates[-1]:.4g}"
    )
    return f"{text}; {_changes(series) or 'no change of level'}"


def _changes(series: Series) -> str:
    return ", ".join(
        f"{each.kind} {minus(f'{each.change_percent:+.1f} %')}" for each in series.changes
    )


def _since(history: History, series: Series, since: SinceAnchor) -> str:
    change = minus(figures.percent(since.change_percent, since.interval))
    place = _commit(history, series, since.anchor)
    tolerance = f"the tolerance of {history.tolerance_percent:g} %"
    if since.is_loss:
        judgement = f"a loss of more than {tolerance}"
    elif since.interval[0] >= -history.tolerance_percent:
        judgement = f"no loss of more than {tolerance}"
    else:
        judgement = f"a loss of more than {tolerance} is possible"
    return f"Since {since.reason} ({place}): {change}, {judgement}"


def _events(history: History, series: Series) -> Table:
    """Return what happened in a series, the newest first."""
    rows: list[tuple[int, list[str]]] = []
    for change in series.changes:
        span = [_commit(history, series, index) for index in (change.before, change.after)]
        text = figures.percent(change.change_percent, change.interval)
        accepted = f"accepted: {change.accepted}" if change.accepted else ""
        rows.append((change.after, [" to ".join(span), change.kind, text, accepted]))
    for index, point in enumerate(series.points):
        place = _commit(history, series, index)
        if point.failed:
            rows.append((index, [place, "failed its gate", "", _subject(history, point)]))
        if point.accepted:
            rows.append((index, [place, "accepted", "", point.accepted]))
        if point.environment_changes:
            lines = "; ".join(point.environment_changes)
            rows.append((index, [place, "environment", "", lines]))
    rows.sort(key=lambda row: -row[0])
    table = Table(
        ("commit", "event", "throughput", "about it"), [row for _, row in rows], (0, 1, 3)
    )
    return without_empty_columns(table)


def _commit(history: History, series: Series, index: int) -> str:
    """Return the short name of the commit of a point; empty if the history lacks it."""
    if index >= len(series.points):
        return ""
    return _at(history.commits, series.points[index].commit)


def _at(commits: Sequence[Any], index: int) -> str:
    return str(commits[index].hash[:_HASH_DIGITS]) if index < len(commits) else ""


def _subject(history: History, point: HistoryPoint) -> str:
    if point.commit >= len(history.commits):
        return ""
    return history.commits[point.commit].subject[:_MAX_SUBJECT]


def _with_interval(point: HistoryPoint) -> str:
    value = f"{point.samples_per_second:.4g}"
    if point.interval is None:
        return value
    return f"{value} ({point.interval[0]:.4g} to {point.interval[1]:.4g})"
