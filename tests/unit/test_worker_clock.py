import random

import pytest

from traingate.controller import worker_clock
from traingate.controller.worker_clock import WorkerClock
from traingate.errors import ClockError
from traingate.protocol.messages import Stepped, WarmedUp


class Machine:
    """A machine whose time passes only when it is told to, and a worker with a clock of its own.

    The worker's clock runs at *rate* of the machine's. Nobody waits for real time.
    """

    def __init__(self, monkeypatch, rate=1.0):
        self.now = 1000.0
        self.rate = rate
        self.stopped = 0.0
        self.clock = WorkerClock("launch 2", lambda: "Last output:\n    words")
        monkeypatch.setattr(worker_clock, "_now", lambda: self.now)
        monkeypatch.setattr(worker_clock, "running_time", lambda: self.now - self.stopped)

    def claimed(self):
        return (self.now - 1000.0) * self.rate

    def step(self, seconds, before=0.0, after=0.0):
        """Take a step of this time, with some time before and after it, and return its answer."""
        self.now += before
        start = self.claimed()
        self.now += seconds
        step_seconds = self.claimed() - start
        self.now += after
        return Stepped(step_seconds, {}, starts_epoch=False, clock_seconds=self.claimed())

    def turn(self, *seconds, before=0.0, between=0.0, frozen=0.0, stopped=0.0):
        """Take steps, after which the controller is stopped for some time."""
        self.clock.start()
        answers = [[self.step(each, before, between)] for each in seconds]
        self.now += before + stopped
        self.stopped += stopped
        self.clock.stop()
        self.now += frozen
        self.clock.check_steps(answers, "in step 3 of 4")

    def warm_up(self, seconds=0.1):
        self.clock.start()
        answer = self.step(seconds)
        self.now += 1e-4
        self.clock.stop()
        warmed_up = WarmedUp(answer.step_seconds, False, 0, answer.clock_seconds)
        self.clock.check_steps([[warmed_up]], "in its first step", is_measured=False)

    def warm_up_often(self, count, seconds):
        for _ in range(count):
            self.warm_up(seconds)


@pytest.mark.parametrize("seed", range(20))
def test_an_honest_worker_is_never_refused_however_it_is_kept_waiting(monkeypatch, seed):
    generator = random.Random(seed)
    machine = Machine(monkeypatch)
    machine.warm_up(generator.expovariate(1))
    for _ in range(50):
        machine.turn(
            *(generator.expovariate(1 / 0.05) for _ in range(generator.randint(1, 20))),
            before=generator.expovariate(1 / 0.01),
            between=generator.expovariate(1 / 0.002),
            frozen=generator.expovariate(1),
        )


def test_a_pause_of_the_whole_machine_between_two_steps_is_let_through(monkeypatch):
    machine = Machine(monkeypatch)
    machine.warm_up()
    machine.turn(0.01, 0.01, before=2.0)


@pytest.mark.parametrize("rate", [0.0, 0.5, 0.8, 1.2, 2.0])
def test_a_clock_of_another_speed_is_refused_within_half_a_second(monkeypatch, rate):
    machine = Machine(monkeypatch, rate)
    with pytest.raises(ClockError, match=r"launch 2, in .*step.* the worker's clock") as caught:
        machine.warm_up_often(10, 0.05)
    assert "Last output:\n    words" in str(caught.value)


@pytest.mark.parametrize("rate", [0.9995, 1.0005])
def test_a_clock_that_the_system_adjusts_is_let_through(monkeypatch, rate):
    machine = Machine(monkeypatch, rate)
    for _ in range(10):
        machine.warm_up(10.0)
        machine.turn(10.0, 10.0)


def test_steps_that_claim_little_of_a_turn_are_refused_though_the_clock_is_right(monkeypatch):
    machine = Machine(monkeypatch)
    machine.warm_up()
    machine.turn(0.5, before=15.0)
    with pytest.raises(ClockError, match=r"1 s passed on the worker's clock, and 61 s"):
        machine.turn(0.5, before=15.0)


def test_time_in_which_the_controller_was_stopped_does_not_count(monkeypatch):
    machine = Machine(monkeypatch)
    machine.warm_up()
    for _ in range(3):
        machine.turn(0.5, stopped=100.0)
    machine.turn(0.5, before=10.0)
    with pytest.raises(ClockError, match=r"2\.5 s passed on the worker's clock, and 42\.5 s"):
        machine.turn(0.5, before=10.0)


@pytest.mark.parametrize("seconds", [-0.1, 1.1, float("inf")])
def test_the_building_of_a_training_takes_no_longer_than_was_waited_for_it(monkeypatch, seconds):
    machine = Machine(monkeypatch)
    machine.clock.start()
    machine.now += 1.0
    machine.clock.stop()
    machine.clock.check_duration(0.0, "while it built the training")
    machine.clock.check_duration(1.0, "while it built the training")
    with pytest.raises(ClockError, match="while it built the training"):
        machine.clock.check_duration(seconds, "while it built the training")


def test_the_clock_of_each_rank_is_checked(monkeypatch):
    machine = Machine(monkeypatch)
    clock = machine.clock
    for now, second in ((1.0, 1.0), (3.0, 1.5)):
        clock.start()
        machine.now += 1.0
        clock.stop()
        answers = [Stepped(0.5, {}, False, clock_seconds=each) for each in (now, second)]
        if second == 1.0:
            clock.check_clock(answers, "in step 1 of 2")
        machine.now += 1.0
    with pytest.raises(ClockError, match=r"0\.5 s passed on the worker's clock"):
        clock.check_clock(answers, "in step 2 of 2")
