"""Test the history of a real repository: creep, an accepted jump, and another jump."""

from __future__ import annotations

import msgspec
import pytest

import real_history
from traingate.records.history import History

pytestmark = pytest.mark.long


def test_creep_a_jump_and_an_acceptance_are_told_at_their_commits(tmp_path):
    history = msgspec.json.decode(real_history.measure(tmp_path), type=History)
    (series,) = history.series
    subjects = [history.commits[point.commit].subject for point in series.points]
    assert subjects == [subject for subject, _ in real_history.commits()]
    creep, accepted, jump = series.changes
    assert creep.kind == "creep"
    assert -30 < creep.change_percent < -15
    places = [subjects.index(f"{real_history.CREEP} {number}") for number in (0, 4)]
    assert abs(creep.before + 1 - places[0]) <= 1
    assert abs(creep.after - places[1]) <= 1
    assert (accepted.kind, subjects[accepted.after]) == ("jump", real_history.ACCEPTED)
    assert accepted.accepted == real_history.ACCEPTED
    assert (jump.kind, subjects[jump.after], jump.accepted) == ("jump", real_history.JUMP, "")
    assert series.since_anchor.reason == f"accepted: {real_history.ACCEPTED}"
    assert series.since_anchor.is_loss
