"""Test which stored runs are the anchor of a test, if none is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from sample_records import measurement
from simulated_launches import noisy_launches
from traingate.baselines.anchors import default_anchor
from traingate.baselines.saved_runs import SavedRun
from traingate.baselines.summaries import summarise
from traingate.records import Acceptance, Outcome, Verdict

TEST = "b.py::test_a"
TAG = ("v1", "commit of the tag")
ACCEPTED = Verdict(
    outcome=Outcome.REGRESSED,
    failed=True,
    tolerance_percent=5.0,
    accepted=Acceptance("a larger model", "2026-11-22T10:00:00+00:00"),
)


def run(name, commit=None, test=TEST, **changes):
    record = measurement(noisy_launches(3, 0.1, 0.02, seed=1), **changes)
    return summarise(SavedRun(Path(name), name, name, commit, ((test, record),)))


def anchor(*runs, tag=None, fits=lambda _: True):
    """Return the title of the anchor, and the names of its runs."""
    stored = default_anchor(runs, TEST, tag, fits)
    return stored and (stored.title, [each.title for each in stored.runs])


def test_runs_of_the_newest_tag_are_the_anchor():
    runs = (run("1"), run("2", TAG[1]), run("3", TAG[1]), run("4"))
    assert anchor(*runs, tag=TAG) == ("tag v1", ["2", "3"])


@pytest.mark.parametrize(
    ("runs", "title"),
    [
        ((run("1", TAG[1]), run("2", verdict=ACCEPTED)), "the record accepted as 'a larger model'"),
        ((run("1", verdict=ACCEPTED), run("2", TAG[1])), "tag v1"),
    ],
    ids=["accepted later", "tagged later"],
)
def test_of_a_tag_and_an_accepted_record_the_one_that_was_saved_later_is_the_anchor(runs, title):
    assert anchor(*runs, tag=TAG)[0] == title


def test_an_accepted_record_that_does_not_fit_is_no_anchor():
    runs = (run("1", TAG[1]), run("2", verdict=ACCEPTED))
    assert anchor(*runs, tag=TAG, fits=lambda _: False) == ("tag v1", ["1"])
    assert anchor(*runs[1:], fits=lambda _: False) is None


def test_a_record_of_another_test_is_no_anchor():
    other = run("2", verdict=ACCEPTED, test="b.py::test_b")
    assert anchor(run("1", TAG[1], test="b.py::test_b"), other, tag=TAG) is None


def test_without_a_tag_or_an_acceptance_there_is_no_anchor():
    assert anchor(run("1"), run("2")) is None
