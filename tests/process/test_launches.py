"""Launches of one job, by real workers with a stand-in for torch."""

from __future__ import annotations

import pytest
from workers import BATCH_SIZE, job_of, record_of

from traingate.controller.job import LaunchPlan
from traingate.controller.measure import measure
from traingate.report.progress import NoProgress

pytestmark = pytest.mark.usefixtures("stand_in")


def test_measuring_may_end_after_the_planned_launches_and_earlier_ones_are_among_them():
    looks = []

    def enough(measurement):
        looks.append(len(measurement.launches))
        return True

    earlier = record_of([0.01])
    # Without knowledge of its memory the next launch is prepared, and measured, alone.
    job = job_of("sleeping", launches=LaunchPlan(3, 4), peak_rss_bytes=None)
    measurement = measure(job, enough, NoProgress(), earlier).measurement
    assert looks == [3]
    assert measurement.launches[:1] == earlier.launches
    assert [len(launch.step_seconds) for launch in measurement.launches[1:]] == [4, 4]
    assert measurement.batch_size == BATCH_SIZE
    assert measurement.environment["torch"] == "0.0.0"


def test_measuring_ends_with_the_most_launches_and_the_first_counts_a_plain_step():
    job = job_of("sleeping", work=None)
    measurement = measure(job, lambda _: False, NoProgress()).measurement
    assert len(measurement.launches) == 1
    assert (measurement.flops_per_sample, measurement.operators_per_step) == (1000.0, 0)
