"""A test compared with a commit that the user names."""

from __future__ import annotations

import msgspec
import pytest
from workers import git, name_in, record_of

from sample_settings import settings
from traingate.comparison.acceptance import AcceptedChange
from traingate.comparison.against_base import AgainstBase
from traingate.errors import BaselineError, ConfigurationError
from traingate.layers import DataParallel
from traingate.layers.stack import Stack
from traingate.records import Cause, Method, Outcome
from traingate.report.progress import NoProgress

TOLERANCE = 40.0
"""Percent: 10 ms are told from 40 on a busy machine too, and 10 ms from 10."""


@pytest.fixture
def against(project, base_sides):
    """``against(reference)``: the comparison of the project's working tree."""

    def compare(reference="HEAD", launches=3, accepted=None, **changes):
        job = project.job(**changes)
        chosen = settings(against=reference, launches=launches)
        return AgainstBase(chosen, TOLERANCE, job, base_sides, accepted=accepted)

    return compare


def concluded(comparison):
    comparison.prepare()
    measurement = record_of([0.01])
    assert comparison.look(measurement)
    return comparison.conclude(measurement, NoProgress())


def test_slower_code_fails_beside_its_commit(against, project):
    project.write(0.04)
    result = concluded(against(launches=2))
    verdict = result.verdict
    assert (verdict.outcome, verdict.cause) == (Outcome.REGRESSED, Cause.CODE)
    assert verdict.method is Method.STEPS
    assert verdict.slowdown_percent > TOLERANCE
    assert result.duet.base == f"commit {project.head()[:9]} (HEAD)"


@pytest.mark.timed
def test_unchanged_code_passes_beside_its_commit(against):
    result = concluded(against())
    assert (result.verdict.outcome, result.verdict.cause) == (Outcome.PASSED, None)
    assert result.verdict.launches == len(result.duet.pairs) == 3


def test_the_next_duet_of_a_session_knows_how_much_memory_its_base_needs(
    against, base_sides, project
):
    duet = concluded(against(launches=2)).duet
    base = base_sides.job_for(project.job(), "HEAD")
    assert base.peak_rss_bytes == duet.base_peak_bytes > 0
    base_sides.remember_memory(base, msgspec.structs.replace(duet, base_peak_bytes=1 << 60))
    assert concluded(against(launches=2)).verdict.method is Method.TURNS


def test_a_name_of_no_commit_is_refused(against):
    with pytest.raises(ConfigurationError, match="'nowhere' names no commit of"):
        against("nowhere").prepare()


def test_a_commit_without_the_workload_has_nothing_to_measure_against(against, project):
    project.model.write_text("nothing = 1\n")
    project.commit()
    project.write(0.01)
    with pytest.raises(BaselineError, match=r"HEAD \(commit .*\) has no model in models.py"):
        against().prepare()


def test_a_single_pair_is_refused(against):
    with pytest.raises(ConfigurationError, match="a duet of one pair has no spread"):
        against(launches=1).prepare()


def test_ranks_on_several_nodes_are_refused(against):
    stack = Stack.of([DataParallel(ranks=1, arguments=["--nnodes=2"])])
    with pytest.raises(ConfigurationError, match="across several nodes"):
        against(stack=stack).prepare()


def test_a_workload_outside_of_any_repository_is_refused(against, project, temporary):
    alone = temporary / "alone.py"
    alone.write_text(project.model.read_text())
    comparison = against(workload=name_in(alone, "model"))
    with pytest.raises(ConfigurationError, match="is in no git repository"):
        comparison.prepare()


def test_an_installed_copy_of_the_project_is_refused(against, project, temporary, monkeypatch):
    project.write(0.01, "import helpers")
    for folder in (project.folder / "src", temporary / "site-packages"):
        (folder / "helpers").mkdir(parents=True)
        (folder / "helpers" / "__init__.py").write_text("")
    project.commit()
    monkeypatch.setenv("PYTHONPATH", str(temporary / "site-packages"), prepend=":")
    comparison = against()
    comparison.prepare()
    with pytest.raises(
        ConfigurationError, match="built the training: helpers was imported from an installed copy"
    ):
        comparison.conclude(record_of([0.01]), NoProgress())


@pytest.fixture
def accepting(project):
    """``accepting(text)``: a change that is accepted in a test's file with this text."""

    def write(text):
        file = project.folder / "test_model.py"
        file.write_text(text)
        return AcceptedChange("a larger model", file, max_slowdown=95.0)

    return write


ACCEPTING = 'pytestmark = mark(accept_slowdown=95, accept_reason="a larger model")\n'


def test_a_slowdown_is_let_through_where_its_change_accepts_it_and_not_in_the_next_one(
    against, accepting, project
):
    project.write(0.04)
    accepted = accepting(ACCEPTING)
    verdict = concluded(against(launches=2, accepted=accepted)).verdict
    assert (verdict.outcome, verdict.accepted.reason) == (Outcome.REGRESSED, "a larger model")
    commit = project.commit()
    project.write(0.16)
    verdict = concluded(against(commit, launches=2, accepted=accepted)).verdict
    assert (verdict.outcome, verdict.accepted) == (Outcome.REGRESSED, None)
    assert verdict.evidence[-1] == (
        f"the change that the marker accepts is in {commit} already, so the marker lets nothing more through: remove "
        "it (a larger model)"
    )


def test_a_merged_acceptance_lets_nothing_through_though_the_tests_file_is_renamed(
    against, accepting, project
):
    accepting(ACCEPTING)
    commit = project.commit()
    git(project.folder, "mv", "test_model.py", "test_renamed.py")
    accepted = AcceptedChange("a larger model", project.folder / "test_renamed.py", 95.0)
    project.write(0.04)
    verdict = concluded(against(commit, launches=2, accepted=accepted)).verdict
    assert (verdict.outcome, verdict.accepted) == (Outcome.REGRESSED, None)
    assert f"is in {commit} already" in verdict.evidence[-1]


def test_the_reason_of_another_test_that_stays_where_it_is_can_be_given_again(
    against, accepting, project
):
    accepting(ACCEPTING)
    commit = project.commit()
    second = project.folder / "test_second.py"
    second.write_text(ACCEPTING)
    accepted = AcceptedChange("a larger model", second, 95.0)
    project.write(0.04)
    verdict = concluded(against(commit, launches=2, accepted=accepted)).verdict
    assert (verdict.outcome, verdict.accepted.reason) == (Outcome.REGRESSED, "a larger model")


def test_an_acceptance_that_a_reviewer_cannot_see_is_refused(against, accepting):
    comparison = against(accepted=accepting("pytestmark = MARKS\n"))
    with pytest.raises(
        ConfigurationError, match=r"must be written in .*test_model.py, as one string"
    ):
        comparison.prepare()


def test_a_test_outside_of_the_workloads_repository_accepts_nothing(against, temporary):
    file = temporary / "test_model.py"
    file.write_text(ACCEPTING)
    comparison = against(accepted=AcceptedChange("a larger model", file, max_slowdown=95.0))
    with pytest.raises(ConfigurationError, match="is not in the git repository of the workload"):
        comparison.prepare()
