"""Test that a layer keeps the training that a workload asks for, or refuses it with the reason."""

from __future__ import annotations

import kept_trainings as trainings
import pytest

from traingate import layers
from traingate.errors import ConfigurationError

UPDATES = (layers.FusedOptimizer(), layers.IpexOptimize())


@pytest.mark.parametrize("layer", UPDATES, ids=lambda layer: layer.name)
def test_clipping_and_scheduling_in_hooks_of_the_optimizer_are_kept(observe, layer):
    losses = observe(layer, workload=trainings.hooked_net).losses
    assert losses == pytest.approx(observe(workload=trainings.hooked_net).losses, rel=1e-3)


@pytest.mark.parametrize(
    ("stack", "workload", "reason"),
    [
        ((layers.IpexOptimize(),), trainings.state_hooked_net, "drop its state_dict_post hook"),
        ((layers.IpexOptimize(),), trainings.gradient_hooked_net, "has a hook that the new one"),
        ((layers.XlaDevice(),), trainings.gradient_hooked_net, "has a hook that the new one"),
        (
            (layers.IpexOptimize(), layers.Bf16Autocast()),
            trainings.hooked_rprop_net,
            "no fused update for Rprop in bf16, .* has a hook before its step",
        ),
    ],
    ids=["state_dict", "ipex-gradients", "xla-gradients", "master-weights"],
)
def test_hooks_that_a_layer_would_lose_are_refused(observe, stack, workload, reason):
    with pytest.raises(ConfigurationError, match=reason):
        observe(*stack, workload=workload)


@pytest.mark.parametrize("stack", [(), (layers.Bf16Autocast(),)], ids=["fp32", "bf16"])
def test_ipex_leaves_frozen_parameters_frozen(observe, stack):
    observation = observe(layers.IpexOptimize(), *stack, workload=trainings.frozen_net)
    assert {step["trainable"] for step in observation.steps[0]} == {2}
    plain_losses = observe(*stack, workload=trainings.frozen_net).losses
    assert observation.losses == pytest.approx(plain_losses, rel=0.05 if stack else 1e-3)


def test_a_step_that_calls_a_captured_model_under_data_parallel_is_refused(observe):
    with pytest.raises(ConfigurationError, match="never called the model that they were given"):
        observe(layers.DataParallel("torchrun", 1), workload=trainings.captured_net)


def test_a_step_that_calls_a_captured_model_calls_the_one_that_ipex_has_changed(observe):
    operators = observe(layers.IpexOptimize(), workload=trainings.captured_net).operators
    assert any("torch_ipex::convolution_forward" in name for name in operators)


@pytest.mark.parametrize(
    ("layer", "workload"),
    [
        (layers.TorchCompile(), trainings.counting_net),
        (layers.CompiledStep(), trainings.hooked_net),  # its learning rate is a number
    ],
    ids=["torch_compile", "compiled_step"],
)
def test_a_stack_beyond_the_recompile_limit_is_refused(observe, layer, workload):
    with pytest.raises(ConfigurationError, match="Dynamo reached its recompile_limit, beyond"):
        observe(layer, workload=workload)


@pytest.mark.parametrize(
    ("workload", "kind"), [(trainings.tensor_net, "a Tensor"), (trainings.dict_net, "a dict")]
)
def test_a_batch_of_two_that_is_no_pair_is_refused(observe, workload, kind):
    with pytest.raises(ConfigurationError, match=f"is no pair .x, y. but {kind}: give"):
        observe(workload=workload)


def test_an_iterable_without_a_whole_batch_in_any_share_says_so(observe):
    assert observe(workload=trainings.sharded_net).losses
    with pytest.raises(ConfigurationError, match="none of the 4 data workers has a whole batch"):
        observe(layers.DataWorkers(4), workload=trainings.sharded_net)
