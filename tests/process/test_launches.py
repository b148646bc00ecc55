"""Launches of one job, by real workers with a stand-in for torch."""

from __future__ import annotations

import json
import tempfile

import pytest
from workers import BATCH_SIZE, job_of, record_of

from traingate.controller.job import LaunchPlan
from traingate.controller.measure import measure
from traingate.records import from_json, to_json
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


@pytest.mark.parametrize("end", ["exiting", "raising", "interrupted", "killed"])
def test_a_measurement_is_complete_though_its_training_cannot_be_built_again(end):
    job = job_of(f"{end}_when_built_again", work=None)
    measurement = measure(job, lambda _: False, NoProgress()).measurement
    assert len(measurement.launches) == 1
    assert (measurement.flops_per_sample, measurement.operators_per_step) == (None, None)


@pytest.mark.parametrize(
    ("workload", "lowest", "highest"),
    [("leaking", 3.5, 4.5), ("allocating_once", -1, 0.5), ("leaving_garbage", -5, 0.5), pytest.param("sleeping", -1, 0.5, marks=pytest.mark.long)],
)  # fmt: skip
def test_the_growth_of_the_memory_is_what_each_step_keeps(workload, lowest, highest):
    job = job_of(workload, steps=10)
    measurement = measure(job, lambda _: True, NoProgress()).measurement
    assert lowest <= measurement.rss_growth_bytes_per_step / (1 << 20) <= highest
    assert from_json(json.dumps(to_json(measurement)).encode(), "here") == measurement


def test_of_one_step_the_growth_is_unknown():
    measurement = measure(job_of("leaking", steps=1), lambda _: True, NoProgress()).measurement
    assert measurement.rss_growth_bytes_per_step is None


def test_what_workers_print_and_warn_is_reported_with_their_launch():
    reports = []

    class Collecting(NoProgress):
        def printed(self, launch, text):
            reports.append((launch, text))

    measure(job_of("printing", launches=LaunchPlan(2, 2)), lambda _: True, Collecting())
    assert [launch for launch, _ in reports] == ["launch 1", "launch 2"]
    for _, text in reports:
        assert "a print of the workload" in text
        assert "UserWarning: a warning of the workload" in text


def test_a_worker_that_prints_nothing_is_not_reported():
    reports = []

    class Collecting(NoProgress):
        def printed(self, launch, text):
            reports.append((launch, text))

    measure(job_of("sleeping"), lambda _: True, Collecting())
    assert reports == []


def test_workers_make_sockets_though_the_folder_for_temporary_files_has_a_long_path(
    temporary, monkeypatch
):
    folder = temporary / ("x" * (57 - len(str(temporary)) - 1))
    folder.mkdir()
    assert len(str(folder)) == 57
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    measurement = measure(job_of("listening"), lambda _: True, NoProgress()).measurement
    assert len(measurement.step_seconds) == 4
