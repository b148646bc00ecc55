"""Test that a layer keeps the training that a workload asks for, or refuses it with the reason."""

from __future__ import annotations

import kept_parameters as parameters
import kept_trainings as trainings
import pytest

from traingate import layers
from traingate.errors import ConfigurationError

UPDATES = (
    pytest.param(layers.FusedOptimizer(), marks=pytest.mark.long),
    layers.IpexOptimize(),
)


@pytest.mark.parametrize("layer", UPDATES, ids=lambda layer: layer.name)
def test_clipping_and_scheduling_in_hooks_of_the_optimizer_are_kept(train, layer):
    losses = train(layer, workload=trainings.hooked_net).losses
    assert losses == pytest.approx(train(workload=trainings.hooked_net).losses, rel=1e-3)


@pytest.mark.long
@pytest.mark.parametrize(
    ("layer", "workload"),
    [
        (layers.FusedOptimizer(), trainings.one_cycle_net),
        (layers.IpexOptimize(), trainings.plateau_net),
        (layers.FusedOptimizer(), trainings.plateau_net),
        (layers.IpexOptimize(), trainings.one_cycle_net),
    ],
    ids=lambda value: getattr(value, "name", None) or value.__name__,
)
def test_schedulers_of_other_kinds_are_kept(train, layer, workload):
    losses = train(layer, workload=workload).losses
    assert losses == pytest.approx(train(workload=workload).losses, rel=1e-3)


@pytest.mark.long
def test_the_fused_optimizer_keeps_a_step_that_was_replaced_on_the_object(train):
    losses = train(layers.FusedOptimizer(), workload=parameters.replaced_step_net).losses
    plain_losses = train(workload=parameters.replaced_step_net).losses
    assert losses == pytest.approx(plain_losses, rel=1e-3)


@pytest.mark.parametrize(
    "workload",
    [
        parameters.scheduled_replaced_step_net,
        pytest.param(parameters.replaced_step_net, marks=pytest.mark.long),
    ],
    ids=lambda each: each.__name__,
)
def test_ipex_refuses_a_step_that_was_replaced_on_the_object(train, workload):
    with pytest.raises(ConfigurationError, match="would drop the one that the workload has"):
        train(layers.IpexOptimize(), workload=workload)


@pytest.mark.parametrize(
    ("stack", "workload"),
    [
        ((layers.IpexOptimize(),), parameters.clipped_lstm_net),
        ((layers.XlaDevice(),), trainings.hooked_net),
        pytest.param(
            (layers.IpexOptimize(), layers.Bf16Autocast()),
            parameters.clipped_adamw_net,
            marks=pytest.mark.long,
        ),
    ],
    ids=["ipex-lstm", "xla", "ipex-masters"],
)
def test_a_replaced_parameter_that_the_workload_has_kept_is_refused(train, stack, workload):
    reason = r"replaces parameters, and the workload has kept \S+ \(in a list\)"
    with pytest.raises(ConfigurationError, match=reason):
        train(*stack, workload=workload)


@pytest.mark.long
@pytest.mark.parametrize(
    ("stack", "workload"),
    [
        ((layers.IpexOptimize(),), parameters.lstm_net),
        ((layers.IpexOptimize(),), parameters.clipped_adamw_net),
        ((layers.IpexOptimize(), layers.Bf16Autocast()), parameters.adamw_net),
        ((layers.XlaDevice(),), parameters.adamw_net),
    ],
    ids=["ipex-lstm", "ipex-list", "ipex-masters", "xla"],
)
def test_a_training_that_keeps_no_replaced_parameter_is_trained_like_plain(train, stack, workload):
    losses = train(*stack, workload=workload).losses
    tolerance = 0.05 if len(stack) > 1 else 1e-3
    assert losses == pytest.approx(train(workload=workload).losses, rel=tolerance)


@pytest.mark.parametrize(
    ("stack", "workload", "reason"),
    [
        ((layers.IpexOptimize(),), trainings.state_hooked_net, "drop its state_dict_post hook"),
        pytest.param(
            (layers.IpexOptimize(),),
            trainings.gradient_hooked_net,
            "has a hook that the new one",
            marks=pytest.mark.long,
        ),
        pytest.param(
            (layers.XlaDevice(),),
            trainings.gradient_hooked_net,
            "has a hook that the new one",
            marks=pytest.mark.long,
        ),
        pytest.param(
            (layers.IpexOptimize(), layers.Bf16Autocast()),
            trainings.hooked_rprop_net,
            "no fused update for Rprop in bf16, .* has a hook before its step",
            marks=pytest.mark.long,
        ),
    ],
    ids=["state_dict", "ipex-gradients", "xla-gradients", "master-weights"],
)
def test_hooks_that_a_layer_would_lose_are_refused(train, stack, workload, reason):
    with pytest.raises(ConfigurationError, match=reason):
        train(*stack, workload=workload)


@pytest.mark.parametrize(
    "stack",
    [(), pytest.param((layers.Bf16Autocast(),), marks=pytest.mark.long)],
    ids=["fp32", "bf16"],
)
def test_ipex_leaves_frozen_parameters_frozen(train, stack):
    observation = train(layers.IpexOptimize(), *stack, workload=trainings.frozen_net)
    assert {step["trainable"] for step in observation.steps[0]} == {2}
    plain_losses = train(*stack, workload=trainings.frozen_net).losses
    assert observation.losses == pytest.approx(plain_losses, rel=0.05 if stack else 1e-3)


ONE_RANK = layers.DataParallel("torchrun", 1, find_unused_parameters=True)


@pytest.mark.parametrize(
    ("workload", "reason"),
    [
        (trainings.captured_net, "never called the model that they were given"),
        pytest.param(
            trainings.own_step_net,
            "never called the model that they were given",
            marks=pytest.mark.long,
        ),
        pytest.param(
            trainings.twice_called_net,
            "the model that the workload built directly, past what",
            marks=pytest.mark.long,
        ),
    ],
)
def test_a_step_that_calls_a_captured_model_under_data_parallel_is_refused(train, workload, reason):
    with pytest.raises(ConfigurationError, match=reason):
        train(ONE_RANK, workload=workload)


@pytest.mark.parametrize(
    ("layer", "workload"),
    [
        pytest.param(ONE_RANK, trainings.evaluated_net, marks=pytest.mark.long),
        pytest.param(ONE_RANK, trainings.seldom_called_nets, marks=pytest.mark.long),
        pytest.param(layers.TorchCompile(), trainings.evaluated_net, marks=pytest.mark.long),
        pytest.param(layers.TorchCompile(), trainings.seldom_called_nets, marks=pytest.mark.long),
    ],
    ids=lambda value: getattr(value, "name", None) or value.__name__,
)
def test_a_step_that_trains_the_models_that_layers_wrapped_is_not_refused(train, layer, workload):
    observation = train(layer, workload=workload)
    if workload is trainings.evaluated_net:  # in the other, a model is first called late
        assert observation.counters.get("compilations_in_measured_steps", 0) == 0


@pytest.mark.long
def test_a_step_that_calls_a_captured_model_calls_the_one_that_ipex_has_changed(observe):
    operators = observe(layers.IpexOptimize(), workload=trainings.captured_net).operators
    assert any("torch_ipex::convolution_forward" in name for name in operators)


@pytest.mark.long
@pytest.mark.parametrize(
    ("layer", "workload"),
    [
        (layers.TorchCompile(), trainings.counting_net),
        # its learning rate is a number
        (layers.CompiledStep(), trainings.hooked_linear_net),
    ],
    ids=["torch_compile", "compiled_step"],
)
def test_a_stack_beyond_the_recompile_limit_is_refused(train, layer, workload):
    with pytest.raises(ConfigurationError, match="Dynamo reached its recompile_limit, beyond"):
        train(layer, workload=workload)


@pytest.mark.parametrize(
    ("workload", "kind"),
    [
        (trainings.tensor_net, "a Tensor"),
        pytest.param(trainings.dict_net, "a dict", marks=pytest.mark.long),
    ],
)
def test_a_batch_of_two_that_is_no_pair_is_refused(train, workload, kind):
    with pytest.raises(ConfigurationError, match=f"is no pair .x, y. but {kind}: give"):
        train(workload=workload)


@pytest.mark.long
def test_an_iterable_without_a_whole_batch_in_any_share_says_so(train):
    assert train(workload=trainings.sharded_net).losses
    with pytest.raises(ConfigurationError, match="none of the 4 data workers has a whole batch"):
        train(layers.DataWorkers(4), workload=trainings.sharded_net)
