"""A test screened by stored launches, and what is measured where they leave doubt."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from workers import Project, git, record_of, too_large_for_two

from sample_settings import settings
from traingate.baselines.lookup import Baseline
from traingate.comparison.against_stored import AgainstStored, can_measure_duet
from traingate.controller.job import LaunchPlan
from traingate.errors import BaselineError, EditedFileError
from traingate.records import Cause, Method, Outcome
from traingate.report.progress import NoProgress

TOLERANCE = 40.0
"""Percent: 10 ms are told from 40 on a busy machine too, and 10 ms from 10."""

PATH = Path("0001_base.json")
AS_STORED = (0.0100, 0.0101, 0.0099)
SLOWER = (0.040, 0.041)


@pytest.fixture
def against(project, base_sides):
    """``against(stored, commit=..., job=...)``: the comparison, by default of the project's job."""

    def compare(stored, commit=None, job=None, pairs=3, machine_differences=()):
        baseline = Baseline(stored, PATH, PATH.name, commit, stored.launches, machine_differences)
        job = job or project.job(launches=LaunchPlan(2, 4))
        return AgainstStored(
            settings(launches=pairs), TOLERANCE, job, base_sides, lambda _subject: baseline
        )

    return compare


def concluded(comparison, measurement):
    """Return the result for launches after which no more of the candidate are asked for."""
    comparison.prepare()
    assert comparison.look(measurement)
    return comparison.conclude(measurement, NoProgress())


def test_launches_like_the_stored_ones_pass_at_the_first_look(against, project):
    comparison = against(record_of(AS_STORED), project.head())
    result = concluded(comparison, record_of(AS_STORED[:2]))
    assert (result.verdict.outcome, result.verdict.baseline) == (Outcome.PASSED, "0001_base.json")
    assert (result.duet, result.measurement) == (None, None)


def test_slower_code_in_the_same_environment_is_found_by_a_duet_with_the_commit(
    against, base_sides, project
):
    commit = project.head()
    project.write(0.04)
    result = concluded(against(record_of(AS_STORED), commit, pairs=2), record_of(SLOWER))
    verdict = result.verdict
    assert (verdict.outcome, verdict.cause) == (Outcome.REGRESSED, Cause.CODE)
    assert verdict.method is Method.STEPS
    assert verdict.slowdown_percent > TOLERANCE
    assert result.duet.base == f"commit {commit[:9]}"
    base = base_sides.job_for(project.job(), commit)
    assert base.peak_rss_bytes == result.duet.base_peak_bytes > 0
    assert verdict.baseline.startswith(f"{result.duet.base}, Python ")
    assert verdict.evidence[-1].startswith("screened by 0001_base.json: ")


def test_unchanged_code_is_inconclusive_if_the_stored_launches_were_faster(against, project):
    result = concluded(against(record_of(AS_STORED), project.head()), record_of(SLOWER))
    assert (result.verdict.outcome, result.verdict.cause) == (Outcome.INCONCLUSIVE, None)
    assert result.duet is None
    assert "code and environment are those of the stored launches" in result.verdict.disagreement


@pytest.mark.long
def test_unchanged_code_passes_though_the_stored_launches_scatter(against, project):
    comparison = against(record_of([0.001, 0.01, 0.1]), project.head())
    result = concluded(comparison, record_of(AS_STORED[:2]))
    assert (result.verdict.outcome, result.duet) == (Outcome.PASSED, None)


def with_digest(record, digest):
    """Return *record* as if each launch had imported the files of *digest*."""
    launches = [
        msgspec.structs.replace(launch, imported_files_digest=digest) for launch in record.launches
    ]
    return msgspec.structs.replace(record, launches=tuple(launches))


def test_a_file_that_git_does_not_track_is_code_too(against, project):
    stored, now = record_of([0.001, 0.01, 0.1]), record_of(AS_STORED[:2])
    now = with_digest(now, "with another helper")
    result = concluded(against(stored, project.head()), now)
    assert len(result.duet.pairs) == 3


@pytest.mark.long
def test_the_code_is_not_known_to_be_the_same_if_the_stored_launches_lack_a_digest(
    against, project
):
    stored, now = (
        with_digest(record_of(seconds), "") for seconds in ([0.001, 0.01, 0.1], AS_STORED[:2])
    )
    result = concluded(against(stored, project.head()), now)
    assert len(result.duet.pairs) == 3


OTHER_CPU = ("CPU: Other CPU there, Test CPU here",)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.04, (Outcome.REGRESSED, Cause.CODE)),
        pytest.param(0.01, (Outcome.PASSED, None), marks=pytest.mark.long),
    ],
)
def test_a_baseline_of_another_cpu_is_settled_by_a_duet(against, project, seconds, expected):
    commit = project.head()
    project.write(seconds)
    stored = record_of([1.0, 1.0, 1.0])  # times of another CPU say nothing
    comparison = against(stored, commit, machine_differences=OTHER_CPU)
    result = concluded(comparison, record_of([seconds] * 2))
    assert (result.verdict.outcome, result.verdict.cause) == expected
    assert result.duet.base == f"commit {commit[:9]}"
    assert "0001_base.json is of another machine (CPU: Other CPU" in result.verdict.evidence[-1]
    assert "a duet with its commit on this machine decided" in result.verdict.evidence[-1]


@pytest.mark.long
def test_a_duet_can_be_measured_with_a_commit_that_is_in_git(project, base_sides):
    job, commit = project.job(), project.head()
    assert can_measure_duet(settings(launches=3), job, base_sides, commit)
    assert not can_measure_duet(settings(launches=3), job, base_sides, "a" * 40)
    assert not can_measure_duet(settings(launches=1), job, base_sides, commit)


def test_a_duet_that_fails_is_an_error_if_the_baseline_is_of_another_cpu(against, project):
    project.write(0.01, prelude='open("/nowhere/model.bin")')
    commit = project.commit()
    project.write(0.01)
    comparison = against(record_of(AS_STORED), commit, machine_differences=OTHER_CPU)
    comparison.prepare()
    measurement = record_of(AS_STORED)
    assert comparison.look(measurement)
    with pytest.raises(BaselineError, match="is of another machine") as caught:
        comparison.conclude(measurement, NoProgress())
    assert "--benchmark-save=NAME" in str(caught.value)
    assert "could not be measured" in str(caught.value)
    assert "/nowhere/model.bin" in str(caught.value)


def test_in_another_environment_launches_are_added_while_the_stored_ones_leave_doubt(
    against, project
):
    scattered = record_of([0.001, 0.01, 0.1], environment={"torch": "2.8.0"})
    here = {"torch": "2.9.0"}
    comparison = against(scattered, project.head(), project.job(launches=LaunchPlan(2, 3)))
    comparison.prepare()
    assert not comparison.look(record_of(AS_STORED[:2], environment=here))
    measurement = record_of(AS_STORED, environment=here)
    assert comparison.look(measurement)
    result = comparison.conclude(measurement, NoProgress())
    assert (result.verdict.outcome, result.verdict.launches) == (Outcome.INCONCLUSIVE, 3)
    assert result.verdict.evidence == ("torch: 2.8.0 there, 2.9.0 here",)
    assert (result.duet, result.measurement) == (None, None)


@pytest.mark.long
def test_a_duet_that_fails_is_replaced_by_launches_and_its_failure_is_told(against, project):
    project.write(0.01, prelude='open("/nowhere/model.bin")')  # as if the file were gone by now
    commit = project.commit()
    project.write(0.01)
    scattered = record_of([0.001, 0.01, 0.1])
    job = project.job(launches=LaunchPlan(1, 2))
    result = concluded(against(scattered, commit, job), record_of(AS_STORED[:1]))
    assert result.duet is None
    assert len(result.measurement.launches) == 2
    assert result.verdict.launches == 2
    assert result.verdict.outcome is Outcome.INCONCLUSIVE
    assert result.verdict.evidence[-1].startswith(
        "a duet against the baseline's commit could not be measured: "
    )
    assert "/nowhere/model.bin" in result.verdict.evidence[-1]


@pytest.mark.parametrize(
    ("moment", "launches"),
    [
        ("between pairs", LaunchPlan(1, 1)),
        ("in a step", LaunchPlan(1, 4)),
        pytest.param("between pairs", LaunchPlan(1, 4), marks=pytest.mark.long),
        pytest.param("in a step", LaunchPlan(1, 1), marks=pytest.mark.long),
    ],
    ids=["between pairs, used up", "in a step, left", "between pairs, left", "in a step, used up"],
)
def test_an_edit_while_a_duet_is_measured_is_an_error_and_no_reason_for_an_open_verdict(
    against, project, launches, moment
):
    class Editing(NoProgress):
        def launching(self, number, planned):
            if moment == "between pairs" and number == 2:
                project.write(0.01, "# edited")

        def stepped(self, step, steps, samples_per_second):
            if moment == "in a step":
                project.write(0.01, "# edited")

    commit = project.head()
    project.write(0.01, "# next")
    scattered = record_of([0.001, 0.01, 0.1])
    job = project.job(project=project.folder, launches=launches)
    comparison = against(scattered, commit, job)
    comparison.prepare()
    measurement = record_of(AS_STORED[:1])
    if moment == "between pairs":
        measurement = too_large_for_two(measurement)
    assert comparison.look(measurement)
    with pytest.raises(EditedFileError, match="Leave the project's files alone"):
        comparison.conclude(measurement, Editing())


@pytest.mark.long
def test_files_of_the_base_that_change_are_a_reason_for_more_launches(against, project):
    project.write(0.01, prelude="import helper")
    (project.folder / "helper.py").write_text("open(__file__, 'a').write('# again\\n')")
    commit = project.commit()
    project.write(0.01)
    job = project.job(project=project.folder, launches=LaunchPlan(1, 2))
    comparison = against(record_of([0.001, 0.01, 0.1]), commit, job)
    result = concluded(comparison, too_large_for_two(record_of(AS_STORED[:1])))
    assert (result.duet, result.verdict.launches) == (None, 2)
    assert "of the base" in result.verdict.evidence[-1]
    assert "of helper" in result.verdict.evidence[-1]


def test_without_a_commit_launches_are_added_up_to_the_most(against, project):
    comparison = against(record_of([0.001, 0.01, 0.1]))
    comparison.prepare()
    assert not comparison.look(record_of(AS_STORED[:2]))
    assert not comparison.look(record_of(AS_STORED))
    assert comparison.look(record_of([*AS_STORED, 0.01]))


def test_too_few_launches_on_both_sides_are_refused_before_anything_is_measured(against, project):
    job = project.job(launches=LaunchPlan(1, 1))
    with pytest.raises(BaselineError, match="1 stored launch and 1 new one have no spread"):
        against(record_of(AS_STORED[:1]), job=job).prepare()


@pytest.mark.parametrize(
    ("stored", "outcome"),
    [
        (AS_STORED, Outcome.REGRESSED),
        pytest.param((0.001, 0.01, 0.1), Outcome.INCONCLUSIVE, marks=pytest.mark.long),
    ],
)
def test_a_shallow_clone_gets_the_command_that_fetches_the_baselines_commit(
    against, project, temporary, stored, outcome
):
    commit = project.head()
    project.write(0.04)
    project.commit()
    git(temporary, "clone", "-q", "--depth=1", project.folder.as_uri(), "clone")
    job = Project(temporary / "clone").job(launches=LaunchPlan(2, 2))
    verdict = concluded(against(record_of(stored), commit, job), record_of(SLOWER)).verdict
    assert verdict.outcome is outcome
    assert verdict.evidence[-1].endswith(
        f"This clone is shallow. Get the commit by: git fetch --depth=1 origin {commit}"
    )
