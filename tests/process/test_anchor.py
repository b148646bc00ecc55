"""Small losses that the newest baseline lets pass, judged by an anchor, with real workers."""

from __future__ import annotations

import json

import msgspec
import pytest
from workers import git, name_in, record_of, with_yardstick

from sample_records import save_run
from sample_settings import settings
from traingate.gate.limits import Limits
from traingate.host.hardware import hardware
from traingate.layers.stack import Stack
from traingate.records import Acceptance, Method, Outcome, Verdict
from traingate.report.progress import NoProgress
from traingate.report.verdict import explain
from traingate.session import Session
from traingate.session.jobs import BenchmarkRequest

TEST = "test_model.py::test_model"
TOLERANCE = 40.0
"""Percent: 10 ms are told from 40 on a busy machine too, and 10 ms from 10."""

MODEL = {"workload": "models.py::model", "stack": (), "scale": "smoke"}

ACCEPTED = Verdict(
    outcome=Outcome.REGRESSED,
    failed=True,
    tolerance_percent=TOLERANCE,
    accepted=Acceptance("a larger model", "2026-11-22T10:00:00+00:00"),
)


@pytest.fixture
def history(project, temporary):
    """Save runs of the project's model, and return a function that judges the working tree."""

    class Runs:
        def __init__(self):
            self.folder, self.sessions = temporary / "storage", []

        def save(self, name, seconds, commit=None, **changes):
            """Save a run of this commit, by default of none, later than those before it."""
            record = record_of((seconds,) * 3, machine=hardware(), **MODEL, **changes)
            path = self.folder / f"{name}.json"
            save_run(path, {TEST: with_yardstick(record)})
            content = json.loads(path.read_text())
            content["datetime"] = f"2026-11-22T10:{name[2:4]}:00"
            content["commit_info"] = {"id": commit or "", "dirty": False}
            path.write_text(json.dumps(content))

        def judge(self, **changes):
            chosen = settings(
                **{
                    "launches": 3,
                    "steps": 10,
                    "storage": str(self.folder),
                    "tolerance": TOLERANCE,
                    "compare": True,
                    **changes,
                }
            )
            session = Session(chosen, project.folder, [str(project.folder)])
            self.sessions.append(session)
            request = BenchmarkRequest(TEST, name_in(project.model, "model"), Stack(), Limits())
            return session.run(request, NoProgress()).measurement.verdict

    runs = Runs()
    yield runs
    for session in runs.sessions:
        session.close()


def commit_and_tag(project, seconds, tag=None):
    """Commit a model of *seconds* per step, and return the commit."""
    project.write(seconds, f"# {tag}")
    commit = project.commit()
    if tag:
        git(project.folder, "tag", tag)
    return commit


def test_a_loss_since_the_newest_tag_fails_though_the_newest_baseline_passes(history, project):
    released = commit_and_tag(project, 0.01, "v1.0")
    newest = commit_and_tag(project, 0.04)
    history.save("0001_release", 0.0100, released)
    history.save("0002_newest", 0.0402, newest)
    verdict = history.judge()
    assert (verdict.outcome, verdict.failed) == (Outcome.REGRESSED, True)
    assert verdict.anchor.outcome is Outcome.REGRESSED
    text = explain(verdict)
    assert "small losses have added up since the anchor, tag v1.0" in text.splitlines()[0]
    assert "0002_newest.json" in text
    assert "alone would let it pass: PASSED" in text


def test_a_test_that_is_as_fast_as_the_anchor_passes_and_says_so(history, project):
    released = commit_and_tag(project, 0.01, "v1.0")
    newest = commit_and_tag(project, 0.0101)
    history.save("0001_release", 0.0100, released)
    history.save("0002_newest", 0.0101, newest)
    verdict = history.judge()
    assert verdict.outcome is Outcome.PASSED
    assert verdict.anchor.title == "tag v1.0"
    assert verdict.anchor.outcome is Outcome.PASSED
    assert "  anchor    tag v1.0: " in explain(verdict)


@pytest.mark.long
def test_an_accepted_record_that_is_newer_than_the_tag_is_the_anchor(history, project):
    released = commit_and_tag(project, 0.01, "v1.0")
    slower = commit_and_tag(project, 0.04)
    newest = commit_and_tag(project, 0.0401, "v1.1-unmeasured")
    history.save("0001_release", 0.0100, released)
    history.save("0002_slower", 0.0400, slower, verdict=ACCEPTED)
    history.save("0003_newest", 0.0401, newest)
    verdict = history.judge()
    assert verdict.outcome is Outcome.PASSED
    assert verdict.anchor.title == "the record accepted as 'a larger model'"


@pytest.mark.long
def test_without_a_tag_or_an_acceptance_there_is_no_anchor(history, project):
    history.save("0001_older", 0.0100, commit_and_tag(project, 0.01))
    history.save("0002_newest", 0.0400, commit_and_tag(project, 0.04))
    assert history.judge().anchor is None


@pytest.mark.parametrize("anchor", ["none", pytest.param(None, marks=pytest.mark.long)])
def test_the_anchor_can_be_turned_off_and_is_not_the_newest_baseline_itself(
    history, project, anchor
):
    released = commit_and_tag(project, 0.04, "v1.0")
    if anchor == "none":
        history.save("0001_release", 0.0100, released)
        history.save("0002_newest", 0.0400, commit_and_tag(project, 0.04, "x"))
    else:  # the tag is HEAD's own, and so is the newest baseline
        history.save("0002_newest", 0.0400, released)
    verdict = history.judge(anchor=anchor)
    assert (verdict.outcome, verdict.anchor) == (Outcome.PASSED, None)


def test_a_named_anchor_without_a_stored_run_is_measured_by_a_duet(history, project):
    first = git(project.folder, "rev-parse", "HEAD")
    history.save("0002_newest", 0.0400, commit_and_tag(project, 0.04))
    verdict = history.judge(anchor=first)
    assert (verdict.outcome, verdict.method) == (Outcome.REGRESSED, Method.STEPS)
    assert verdict.anchor.title == first


def test_a_named_anchor_is_judged_beside_a_base_too(history, project):
    first = git(project.folder, "rev-parse", "HEAD")
    commit_and_tag(project, 0.04)
    project.write(0.04, "# the working tree")
    verdict = history.judge(compare=False, against="HEAD", anchor=first)
    assert verdict.outcome is Outcome.REGRESSED
    assert "HEAD" in verdict.evidence[-1]


@pytest.mark.long
def test_a_test_that_the_anchor_does_not_have_is_judged_by_the_newest_alone(history, project):
    git(project.folder, "checkout", "-q", "--orphan", "other")
    git(project.folder, "rm", "-q", "--cached", "models.py")
    (project.folder / "README").write_text("no model yet")
    git(project.folder, "add", "README")
    git(project.folder, "commit", "-q", "-m", "without a model")
    empty = git(project.folder, "rev-parse", "HEAD")
    history.save("0002_newest", 0.0400, commit_and_tag(project, 0.04))
    verdict = history.judge(anchor=empty)
    assert (verdict.outcome, verdict.anchor) == (Outcome.PASSED, None)


def test_a_named_anchor_stands_alone_where_nothing_newer_is_stored(history, project):
    first = git(project.folder, "rev-parse", "HEAD")
    commit_and_tag(project, 0.04)
    record = record_of((0.01,) * 3, machine=hardware(), **MODEL)
    save_run(history.folder / "0001_other.json", {"test_model.py::test_other": with_yardstick(
        msgspec.structs.replace(record, workload="models.py::other"))})  # fmt: skip
    verdict = history.judge(anchor=first, on_missing="record")
    assert verdict.outcome is Outcome.REGRESSED
    assert "alone: No stored run has " in verdict.evidence[-1]


OTHER = msgspec.structs.replace(hardware(), cpu="another one")


@pytest.mark.long
def test_an_accepted_record_of_another_machine_is_no_anchor(history, project):
    history.save("0002_newest", 0.0400, commit_and_tag(project, 0.04))
    record = record_of((0.01,) * 3, machine=OTHER, verdict=ACCEPTED, **MODEL)
    save_run(history.folder / "0001_elsewhere.json", {TEST: with_yardstick(record)})
    verdict = history.judge()
    assert (verdict.outcome, verdict.anchor) == (Outcome.PASSED, None)
