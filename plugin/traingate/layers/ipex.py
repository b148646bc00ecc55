"""Define the layer of Intel Extension for PyTorch, imported only by stacks that need it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from types import MethodType
from typing import Any

from traingate.errors import ConfigurationError
from traingate.host.cpu import instruction_sets
from traingate.host.packages import torch_mismatch
from traingate.layers._tensors import OldParameters, require_no_hooks
from traingate.layers.base import BaseLayer
from traingate.layers.recipe import Recipe, Surroundings
from traingate.layers.step_context import requires_closure
from traingate.layers.training import Training

_BF16_PACKING_FLAGS = {"avx512bw", "avx512vl", "avx512dq"}


def missing_ipex() -> str | None:
    """Return what to install if IPEX is missing or made for another torch, else None."""
    if find_spec("intel_extension_for_pytorch") is not None:
        return torch_mismatch("intel-extension-for-pytorch")
    return (
        "Intel Extension for PyTorch (its last release, 2.8.0, needs torch 2.8) is not installed: "
        "pip install 'pytest-traingate[ipex]'"
    )


@dataclass(frozen=True)
class IpexOptimize(BaseLayer):
    """Layer that calls ``ipex.optimize``: it repacks weights for oneDNN and fuses the update.

    It optimizes for bfloat16 if the stack has ``bf16_autocast``, else for float32. Importing IPEX
    replaces 27 operators of torch in that process (found in the source of IPEX 2.8), so only stacks
    that need it import it.
    """

    name = "ipex_optimize"
    order = 500
    extra = "ipex"
    environment = "ipex"
    mathematics = "with bf16_autocast, weights are kept in bf16 and their lower bits separately"
    loss_tolerance = 1e-3

    def unavailable(self) -> str | None:
        """Return what to install if IPEX is missing or made for another torch, else None."""
        return missing_ipex()

    def apply(self, training: Training) -> None:
        """Let IPEX optimize each model with its optimizer for the precision of the training.

        Raises:
            ConfigurationError: If a model has not exactly one optimizer, or if IPEX would drop a
                hook or unfreeze a parameter.
        """
        import intel_extension_for_pytorch as ipex  # noqa: PLC0415 - only in this stack
        import torch  # noqa: PLC0415 - only in the worker

        # Without AVX-512, oneDNN has no layout for packed bf16 weights, and by its source IPEX
        # fails an assertion. No such CPU was available to try it.
        packable = _is_packable(training.precision)
        optimizers = {
            id(model): _optimizer_of(model, training.optimizers)
            for model in training.models().values()
        }

        def optimize(model: Any) -> Any:
            optimizer = optimizers[id(model)]
            _check_hooks(model, optimizer)
            needs_closure = requires_closure(optimizer)
            replaced_step = _replaced_step(optimizer)
            trainable = {name: each.requires_grad for name, each in model.named_parameters()}
            old_parameters = OldParameters(self.name, model)
            # In place: the workload's own step, schedulers and hooks may hold these objects. IPEX
            # copies an optimizer without its hooks.
            new_model, _ = ipex.optimize(
                model,
                optimizer=optimizer,
                dtype=getattr(torch, training.precision),
                weights_prepack=None if packable else False,
                inplace=True,
            )
            if replaced_step is not None and vars(optimizer)["step"] is not replaced_step:
                raise ConfigurationError(
                    "ipex_optimize replaces the step of the optimizer, and would drop the one that "
                    "the workload has assigned to optimizer.step: move what it does into a hook of "
                    "the optimizer's step, or into a step of the workload's own"
                )
            if hasattr(optimizer, "sync_grad"):
                _check_gradient_copies(optimizer, needs_closure=needs_closure)
                training.closure_obstacles.append(
                    "ipex_optimize copies gradients once per update, not in each evaluation"
                )
            elif getattr(optimizer, "fused", False) is True:
                # IPEX has replaced the step, which would not run the hooks.
                hooked_step = torch.optim.Optimizer.profile_hook_step(optimizer.step.__func__)
                optimizer.step = MethodType(hooked_step, optimizer)
            _restore_trainable(new_model, trainable)
            old_parameters.require_unused(new_model, _holders_of_masters(optimizer))
            return new_model

        training.replace_models(optimize)

    def recipe(self, surroundings: Surroundings) -> Recipe:
        """Return the call of ``ipex.optimize``, which unfreezes parameters."""
        precision = "bfloat16" if "bf16_autocast" in surroundings.layers else "float32"
        packing = "" if _is_packable(precision) else ", weights_prepack=False"
        return Recipe(
            imports=("import intel_extension_for_pytorch as ipex",),
            optimized=(
                "frozen = [name for name, each in model.named_parameters() "
                "if not each.requires_grad]",
                "model, optimizer = ipex.optimize(",
                f"    model, optimizer=optimizer, dtype=torch.{precision}{packing}, inplace=True",
                ")",
                "for name in frozen:  # ipex.optimize has unfrozen them",
                "    model.get_parameter(name).requires_grad_(False)",
            ),
            packages=("intel-extension-for-pytorch",),
        )


def _is_packable(precision: str) -> bool:
    """Return whether oneDNN has a layout for packed weights of this precision on this CPU."""
    return precision == "float32" or instruction_sets() >= _BF16_PACKING_FLAGS


def _replaced_step(optimizer: Any) -> Any:
    """Return the step that the workload has assigned to ``optimizer.step``; None if it has none.

    A scheduler wraps the step to count its calls, which only serves a warning.
    """
    step = vars(optimizer).get("step")
    is_of_scheduler = hasattr(step, "_wrapped_by_lr_sched")
    if is_of_scheduler and getattr(step, "__wrapped__", None) is type(optimizer).step:
        return None
    return step


def _holders_of_masters(optimizer: Any) -> list[object]:
    """Return the objects that may refer to parameters in fp32 whose copies in bf16 are trained.

    They are the optimizer's, which updates these parameters, and those of IPEX, which copies the
    gradients to them and their values back.
    """
    wrappers = list(getattr(optimizer, "params_attr", {}).values())
    return [
        *(group["params"] for group in optimizer.param_groups),
        optimizer.state,
        getattr(optimizer, "params_attr", None),
        *wrappers,
        *map(vars, wrappers),
    ]


def _optimizer_of(model: Any, optimizers: list[Any]) -> Any:
    """Return the only optimizer of the parameters of *model*, which ``ipex.optimize`` needs.

    Raises:
        ConfigurationError: If the model has none or several, or shares its optimizer.
    """
    parameters = set(map(id, model.parameters()))
    owners = [
        optimizer for optimizer in optimizers if not parameters.isdisjoint(_updated(optimizer))
    ]
    if len(owners) != 1 or not parameters.issuperset(_updated(owners[0])):
        raise ConfigurationError(
            "ipex_optimize takes each model with an optimizer of its own, and a model of this "
            f"training has {len(owners)}, or shares it with another model"
        )
    return owners[0]


def _updated(optimizer: Any) -> set[int]:
    """Return the identities of the parameters that *optimizer* updates."""
    return {id(each) for group in optimizer.param_groups for each in group["params"]}


def _check_hooks(model: Any, optimizer: Any) -> None:
    """Check that model and optimizer have no hook that ``ipex.optimize`` would drop.

    Raises:
        ConfigurationError: If they have one.
    """
    require_no_hooks("ipex_optimize", dict(model.named_parameters()))
    for name in (
        "state_dict_pre",
        "state_dict_post",
        "load_state_dict_pre",
        "load_state_dict_post",
    ):
        # torch has no public way to ask an optimizer for its hooks.
        if getattr(optimizer, f"_optimizer_{name}_hooks", None):
            raise ConfigurationError(
                f"ipex_optimize replaces state_dict() and load_state_dict() of the optimizer, and "
                f"would drop its {name} hook"
            )


def _check_gradient_copies(optimizer: Any, *, needs_closure: bool) -> None:
    """Check an optimizer without a fused update in bf16, whose gradients IPEX copies to fp32.

    Raises:
        ConfigurationError: If a hook or a closure would change the gradients after the copy.
    """
    obstacle = "evaluates a closure" if needs_closure else "has a hook before its step"
    if needs_closure or optimizer._optimizer_step_pre_hooks:
        raise ConfigurationError(
            f"ipex_optimize has no fused update for {type(optimizer).__name__} in bf16, and copies "
            f"the gradients once, before the update: this optimizer {obstacle}"
        )


def _restore_trainable(model: Any, trainable: dict[str, bool]) -> None:
    """Freeze again the parameters of *model* that were frozen before IPEX changed them.

    Args:
        model: Model that ``ipex.optimize`` has returned.
        trainable: ``requires_grad`` of each parameter before, by name.

    Raises:
        ConfigurationError: If a frozen parameter is not there any more.
    """
    parameters = dict(model.named_parameters())
    for name, requires_grad in trainable.items():
        if name in parameters:
            parameters[name].requires_grad_(requires_grad)
        elif not requires_grad:
            raise ConfigurationError(
                f"ipex_optimize has replaced the frozen parameter {name}, so that it cannot be "
                "kept frozen"
            )
