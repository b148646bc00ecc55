"""Heats of a race: launches that step in turn, of which some end early."""

from __future__ import annotations

import signal

import psutil
import pytest
from workers import job_of

from traingate.controller.heat import measure_heat
from traingate.controller.training_worker import TrainingWorker
from traingate.report.progress import NoProgress

SECONDS = 120.0

pytestmark = pytest.mark.usefixtures("stand_in")


def heat_of(look):
    """Return a heat of two launches of the same training."""
    return measure_heat([job_of("sleeping"), job_of("sleeping")], NoProgress(), look, SECONDS)


def yardstick():
    """Return the process of the yardstick."""
    children = psutil.Process().children()
    (process,) = [each for each in children if "yardstick.py" in " ".join(each.cmdline())]
    return process


def test_a_heat_goes_on_without_its_yardstick():
    killed_after = 2

    def look(number, _launches):
        if number == killed_after:
            yardstick().kill()
        return ()

    heat = heat_of(look)
    assert [launch.error for launch in heat.launches] == [None, None]
    assert all(launch.finished for launch in heat.launches)
    assert heat.rounds > killed_after
    assert len(heat.gemm_seconds) == killed_after


@pytest.mark.parametrize("has_answered", [False, True])
def test_ctrl_c_while_the_launches_finish_keeps_the_heat(monkeypatch, has_answered):
    """It comes before the last answer of the first launch, or after it."""
    finish, calls = TrainingWorker.finish, []

    def interrupted(worker):
        calls.append(worker)
        if len(calls) == 1 and has_answered:
            finish(worker)
        if len(calls) == 1:
            signal.raise_signal(signal.SIGINT)
        return finish(worker)

    monkeypatch.setattr(TrainingWorker, "finish", interrupted)
    heat = heat_of(lambda _number, _launches: ())
    assert heat.was_interrupted
    first, second = heat.launches
    assert (first.error, second.error) == (None, None)
    assert second.finished
    assert len(second.turns) == heat.rounds


def test_a_launch_that_the_look_ends_has_its_last_message():
    heat = heat_of(lambda number, launches: launches[1:] if number == 1 else ())
    first, second = heat.launches
    assert (len(second.turns), bool(second.finished)) == (1, True)
    # The other one does not go on alone.
    assert (len(first.turns), bool(first.finished)) == (1, True)
