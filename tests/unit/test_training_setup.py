"""Test the names of workloads with arguments, and the parts of a step, without torch."""

from __future__ import annotations

import enum
from array import array
from functools import partial
from pathlib import Path

import pytest

from traingate.errors import ConfigurationError, WorkloadError
from traingate.layers.losses import check_pair
from traingate.layers.step_context import StepContext
from traingate.layers.training import Training
from traingate.training_setup import TrainingSetup, build, workload_name

HERE = Path(__file__).parent


def net(depth=1, widths=(8,), *, dropout=0.0, batch_size=4):
    return TrainingSetup(None, None, depth, widths, batch_size)


def by_position(depth, /):
    return TrainingSetup(None, None, None, depth, 1)


class Size(enum.IntEnum):
    SMALL = 1


def identity(workload, **arguments) -> str:
    return workload_name(workload, arguments).identity(HERE)


def test_arguments_belong_to_the_identity_of_a_workload():
    prefix = "test_training_setup.py::net"
    assert identity(net) == prefix
    assert identity(net, widths=[4, 2], depth=3) == f"{prefix}(depth=3, widths=[4, 2])"
    assert identity(net, dropout=0.5) == f"{prefix}(dropout=0.5)"
    assert identity(net, depth=None) == f"{prefix}(depth=null)"


def test_a_partial_has_the_identity_of_the_same_keyword_arguments():
    expected = identity(net, depth=3, widths=[4])
    assert identity(partial(net, 3), widths=[4]) == expected
    assert identity(partial(partial(net, depth=2), widths=(4,)), depth=3) == expected


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (HERE, "the argument depth of net is PosixPath"),
        (float("nan"), "the argument depth of net is nan"),
        ({1: 2}, "the argument depth of net is \\{1: 2\\}"),
        ([1, {"a": {2}}], r"the argument depth of net\[1\]\['a'\] is \{2\}"),
        (Size.SMALL, "the argument depth of net is <Size.SMALL"),
        (net, "the argument depth of net is <function"),
    ],
)
def test_an_argument_that_json_would_change_is_refused(value, place):
    with pytest.raises(WorkloadError, match=f"{place}.*, which JSON cannot carry"):
        workload_name(net, {"depth": value})


def test_an_argument_without_a_parameter_is_refused():
    with pytest.raises(WorkloadError, match=r"net has no parameter 'dept'. It has depth, widths"):
        workload_name(net, {"dept": 3})
    with pytest.raises(WorkloadError, match="gives depth by position only"):
        workload_name(partial(by_position, 3), {})


def test_arguments_of_the_test_reach_the_workload_and_win_over_offered_ones():
    setup = build(net, {"depth": 3, "batch_size": 2}, scale="quick", batch_size=64)
    assert (setup.optimizer, setup.dataset, setup.batch_size) == (3, (8,), 2)
    assert build(net, {}, scale="quick", batch_size=64).batch_size == 64


@pytest.mark.parametrize("batch", [("x", "y"), ["x", "y"]])
def test_a_pair_is_a_tuple_or_a_list_of_two(batch):
    check_pair(batch)


@pytest.mark.parametrize(
    ("batch", "kind"),
    [
        (array("f", [1.0, 2.0]), "but a array"),  # as one tensor of two samples
        ({"x": 1, "y": 2}, "but a dict"),
        ("xy", "but a str"),
        ({1, 2}, "but a set"),
        (("x", "y", "z"), "but a tuple of 3"),
        (["x"], "but a list of 1"),
        (None, "but a NoneType"),
    ],
)
def test_a_batch_that_can_be_unpacked_is_no_pair_for_that(batch, kind):
    with pytest.raises(WorkloadError, match=f"no pair .x, y. {kind}: give .* a train_step"):
        check_pair(batch)


class Optimizer:
    """An optimizer that counts its steps."""

    def __init__(self):
        self.steps = 0

    def zero_grad(self):
        pass

    def step(self, closure=None):
        self.steps += 1
        return None if closure is None else closure()


class Loss:
    def backward(self, **options):
        self.options = options


def training(step, optimizers=1) -> Training:
    return Training(None, None, [Optimizer() for _ in range(optimizers)], [], 1, step=step)


def whole_step(context, batch):
    loss = context.forward(Loss)
    context.backward(loss, retain_graph=True)
    context.update(context.optimizers[-1].step)
    return loss


def test_a_step_of_its_own_takes_its_parts_through_the_context():
    order = []
    subject = training(whole_step, optimizers=2)
    subject.contexts.append(lambda: _Recording(order, "autocast"))
    subject.forward_wrappers.append(
        lambda function: lambda: (order.append("wrapped"), function())[1]
    )
    context = StepContext(subject)
    for _ in range(3):
        assert context.take(()).options == {"retain_graph": True}
    assert order == ["autocast", "wrapped", "end of autocast"] * 3
    assert [optimizer.steps for optimizer in subject.optimizers] == [0, 3]


class _Recording:
    def __init__(self, order, name):
        self.order, self.name = order, name

    def __enter__(self):
        self.order.append(self.name)

    def __exit__(self, *_):
        self.order.append(f"end of {self.name}")


def test_phases_of_a_step_are_told_also_inside_of_a_closure():
    phases = []

    def step(context, batch):
        def closure():
            context.backward(context.forward(Loss))

        context.update(context.optimizer.step, closure)

    StepContext(training(step), phases.append).take(())
    # Each name stands for the time before it, back to the name before.
    assert phases == ["other", "optimizer", "forward", "optimizer", "backward", "optimizer"]


def test_gradients_are_accumulated_inside_the_contexts_of_layers():
    order = []
    subject = training(None)
    subject.accumulation_contexts.append(lambda: _Recording(order, "no_sync"))
    with StepContext(subject).accumulating():
        order.append("backward")
    assert order == ["no_sync", "backward", "end of no_sync"]


@pytest.mark.parametrize(
    ("step", "missing"),
    [
        (lambda context, batch: None, "backward and forward"),
        (lambda context, batch: context.forward(Loss), "backward"),
        (lambda context, batch: context.backward(Loss()), "forward"),
    ],
)
def test_a_step_that_goes_past_its_context_is_refused(step, missing):
    with pytest.raises(WorkloadError, match=f"never called {missing} of its context"):
        StepContext(training(step)).take(())


def test_several_optimizers_need_a_step_and_are_not_the_only_one():
    with pytest.raises(WorkloadError, match="with 2 optimizers needs a step of its own"):
        build(lambda: TrainingSetup(None, None, [Optimizer(), Optimizer()], [], 1), {})
    with pytest.raises(WorkloadError, match="a step or a train_step, not both"):
        build(lambda: TrainingSetup(None, None, None, [], 1, train_step=min, step=min), {})
    with pytest.raises(ConfigurationError, match="has 2 optimizers, and a layer or step asks"):
        _ = training(whole_step, optimizers=2).optimizer


def test_a_layer_cannot_replace_an_optimizer_that_a_step_may_hold():
    subject = training(whole_step)
    with pytest.raises(ConfigurationError, match="change the optimizer in place"):
        subject.optimizer = Optimizer()


def test_a_closure_is_refused_where_a_layer_objects():
    subject = training(whole_step)
    subject.closure_obstacles.append("ranks would differ")
    context = StepContext(subject)
    context.update(subject.optimizer.step)
    with pytest.raises(ConfigurationError, match="in this stack: ranks would differ"):
        context.update(subject.optimizer.step, lambda: None)
    with pytest.raises(ConfigurationError, match="in this stack: ranks would differ"):
        context.update(subject.optimizer.step, closure=lambda: None)


class _Closure:
    def evaluate(self):
        """Return no loss."""


@pytest.mark.parametrize(
    "closure", [_Closure().evaluate, partial(max, 1)], ids=["bound method", "partial"]
)
def test_a_closure_that_is_no_plain_function_is_refused(closure):
    subject = training(whole_step)
    subject.closure_obstacles.append("ranks would differ")
    update = partial(StepContext(subject).update, Optimizer().step)
    for options in ({}, {"closure": closure}):
        arguments = () if options else (closure,)
        with pytest.raises(ConfigurationError, match="in this stack: ranks would differ"):
            update(*arguments, **options)


@pytest.mark.parametrize(
    "call",
    [
        lambda step: step(lambda: None),
        lambda step: step(closure=_Closure().evaluate),
        lambda step: partial(step, _Closure)(),
    ],
)
def test_a_closure_that_a_step_gives_to_its_optimizer_itself_is_refused(call):
    def step(context, batch):
        context.backward(context.forward(Loss))
        call(context.optimizer.step)

    StepContext(training(step)).take(())
    subject = training(step)
    subject.closure_obstacles.append("ranks would differ")
    with pytest.raises(ConfigurationError, match="in this stack: ranks would differ"):
        StepContext(subject).take(())
    assert subject.optimizer.steps == 0
