"""A history of commits as a real project has it, for tests of the HTML report."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta

from traingate.records import Outcome
from traingate.records.history import (
    History,
    HistoryCommit,
    HistoryPoint,
    LevelChange,
    Series,
    SinceAnchor,
)


def history_of(points=120, series=2, *, subject="Speed up the loader") -> History:
    """Return a history with a jump, an accepted creep, failures, tags and a new environment."""
    commits = tuple(
        HistoryCommit(
            hash=f"{7919 * (number + 1):08x}" * 5,
            date=(datetime(2026, 1, 1, 10) + timedelta(days=number * 320 / points)).isoformat(),
            subject=f"{subject} ({number})",
            tags=(f"v1.{number // 40}",) if number % (points // 3 or 1) == 10 else (),
        )
        for number in range(points)
    )
    return History(
        reference="main",
        tolerance_percent=5.0,
        commits=commits,
        series=tuple(series_of(number, points) for number in range(series)),
        left_out={"of another format": 2},
    )


def series_of(number, points) -> Series:
    rng = random.Random(number)
    jump, creep, end = int(0.3 * points), int(0.6 * points), int(0.8 * points)
    result = []
    for index in range(points):
        level = 100.0 + 10 * number
        level *= 0.88 if index >= jump else 1.0
        level *= 1 - 0.09 * min(1.0, max(0.0, (index - creep) / (end - creep)))
        rate = level * math.exp(rng.gauss(0, 0.008))
        fails = index == jump
        result.append(
            HistoryPoint(
                commit=index,
                samples_per_second=rate,
                interval=None if index % 17 == 3 else (0.985 * rate, 1.015 * rate),
                launches=3,
                outcome=Outcome.REGRESSED if fails else Outcome.PASSED if index % 3 else None,
                failed=fails,
                accepted="the new augmentation is worth it" if index == end else "",
                environment_changes=("torch: 2.14.0 there, 2.15.0 here",)
                if index == points // 2
                else (),
            )
        )
    return Series(
        test=f"benchmarks/test_ladder.py::test_{['plain', 'channels_last'][number % 2]}[{number}]",
        stack="plain", scale="quick", batch_size=8, environment_name="today",
        machine="Test CPU (6/207/2), 2 cores", points=tuple(result),
        changes=(
            LevelChange(kind="jump", before=jump - 1, after=jump, change_percent=-12.1, interval=(-12.9, -11.3)),
            LevelChange(kind="creep", before=creep, after=end, change_percent=-8.8, interval=(-9.9, -7.6),
                        accepted="the new augmentation is worth it"),
        ),
        since_anchor=SinceAnchor(anchor=10, reason="tag v1.0", change_percent=-19.8, interval=(-21.0, -18.4), is_loss=True),
    )  # fmt: skip
