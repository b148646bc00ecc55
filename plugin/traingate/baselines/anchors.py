"""Choose the stored runs of an anchor: those of the newest tag, or the newest accepted record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from traingate.baselines.summaries import RunSummary, TestSummary


@dataclass(frozen=True)
class StoredAnchor:
    """Stored runs of an anchor.

    Attributes:
        title: Title for messages, such as ``tag v1.2``.
        runs: Its runs, oldest first.
    """

    title: str
    runs: tuple[RunSummary, ...]


def anchor_of_commit(
    runs: Sequence[RunSummary], test: str, commit: str, title: str
) -> StoredAnchor | None:
    """Return the anchor that consists of the runs of a commit; None if none has the test.

    Args:
        runs: Saved runs, oldest first.
        test: Full name of the test.
        commit: Full name of the commit.
        title: Title for messages.
    """
    stored = tuple(run for run in runs if run.commit == commit)
    has_test = any(item.test == test for run in stored for item in run.tests)
    return StoredAnchor(title, stored) if has_test else None


def default_anchor(
    runs: Sequence[RunSummary],
    test: str,
    tag: tuple[str, str] | None,
    fits: Callable[[TestSummary], bool],
) -> StoredAnchor | None:
    """Return the anchor of a test: its newest tag or accepted record; None if it has neither.

    Args:
        runs: Saved runs, oldest first.
        test: Full name of the test.
        tag: Name and commit of the newest tag that has a stored run; None if there is none.
        fits: Function that says whether an accepted record can be compared with, by its machine and
            its scale.
    """
    tagged = None if tag is None else anchor_of_commit(runs, test, tag[1], f"tag {tag[0]}")
    for run in reversed(runs):
        if tagged is not None and run is tagged.runs[-1]:
            return tagged
        reasons = [
            item.accepted
            for item in run.tests
            if item.test == test and item.accepted and fits(item)
        ]
        if reasons:
            return StoredAnchor(f"the record accepted as {reasons[-1]!r}", (run,))
    return None
