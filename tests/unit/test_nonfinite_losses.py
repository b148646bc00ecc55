"""Test which losses are counted as no numbers, and that each rank counts."""

from __future__ import annotations

import numpy as np
import pytest

from traingate.controller.launch import LaunchFacts
from traingate.controller.launch_record import counters_of
from traingate.protocol.messages import Finished
from traingate.worker.losses import NonfiniteLosses

COUNTER = "nonfinite_losses_in_measured_steps"
NAN, INFINITE = float("nan"), float("inf")


class OfOneElement:
    """Tensor with this value."""

    def __init__(self, value):
        self.item = lambda: value


@pytest.mark.parametrize(
    "loss",
    [
        NAN, INFINITE, -INFINITE, np.float64(NAN), np.float32(INFINITE), np.array(NAN), OfOneElement(NAN)
    ],
    ids=lambda loss: type(loss).__name__,
)  # fmt: skip
def test_a_loss_that_is_no_number_is_counted(loss):
    losses = NonfiniteLosses()
    losses.note(loss, 3)
    losses.note(1.0, 4)
    assert losses.counts == {COUNTER: 1}
    assert losses.reasons[COUNTER][0].endswith("in measured step 3")


@pytest.mark.parametrize(
    "loss",
    [
        1.0, 0, 10**400, True, np.float32(1), np.int64(3), None, "nan", (NAN, NAN), [NAN], {"loss": NAN},
        np.array([NAN, NAN]), OfOneElement(10**400), OfOneElement(1j),
    ],
    ids=lambda loss: type(loss).__name__,
)  # fmt: skip
def test_other_losses_are_left_alone(loss):
    losses = NonfiniteLosses()
    losses.note(loss, 3)
    assert (losses.counts, losses.reasons) == ({}, {})


def finished(graphs, losses=0):
    counters = {"dynamo_graphs": graphs, **({COUNTER: losses} if losses else {})}
    reasons = {COUNTER: [f"{losses} losses"]} if losses else {}
    return Finished(1 << 20, 0.0, counters, reasons)


@pytest.mark.parametrize("losses", [(0, 3), (3, 0), (1, 3), (3, 1)])
def test_the_counters_of_a_launch_have_the_losses_of_each_rank(losses):
    ranks = [finished(graphs, count) for graphs, count in enumerate(losses)]
    facts = LaunchFacts()
    facts.add(ranks)
    assert facts.counts.counters == {"dynamo_graphs": 0, COUNTER: 3}
    assert facts.counts.reasons == {COUNTER: ("3 losses",)}


def test_the_counters_of_a_launch_are_those_of_rank_0():
    assert counters_of([finished(1), finished(2)]) == ({"dynamo_graphs": 1}, {})
