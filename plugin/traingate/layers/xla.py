"""Define the layer that trains on the CPU device of PyTorch/XLA."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from traingate.host.packages import torch_mismatch
from traingate.layers._tensors import OldParameters, map_tensors, require_no_hooks
from traingate.layers.base import BaseLayer, ProcessRequest
from traingate.layers.recipe import Recipe, Surroundings
from traingate.layers.training import StepBody, Training

if TYPE_CHECKING:
    import torch

_OWN_COMPILER = "XLA compiles the whole step itself"


@dataclass(frozen=True)
class XlaDevice(BaseLayer):
    """Layer that trains on XLA's CPU device and ends each step with a sync.

    XLA records a step and runs it later. So the step's time includes the sync, which waits until
    all of the step has run, and the transfer of the batch to the device. Graphs are compiled during
    warm-up; a launch in which a measured step compiles one is invalid.
    """

    name = "xla_device"
    order = 700
    extra = "xla"
    environment = "xla"
    loss_tolerance = 1e-3

    @property
    def conflicts(self) -> dict[str, str]:
        """Return the layers that do not work on XLA's device, each with the reason."""
        return {
            "bf16_autocast": "autocast is ignored on XLA's CPU device, which would train in fp32",
            "float32_precision": "XLA does not compute with oneDNN",
            "channels_last": "XLA chooses the layout of tensors itself",
            "ipex_optimize": "the operators of IPEX are not XLA's",
            "torch_compile": _OWN_COMPILER,
            "data_parallel": "its ranks would need a process group of XLA's",
        }

    def unavailable(self) -> str | None:
        """Return what to install if PyTorch/XLA is missing or made for another torch, else None."""
        if find_spec("torch_xla") is not None:
            return torch_mismatch("torch-xla")
        return "PyTorch/XLA is not installed: pip install 'pytest-traingate[xla]'"

    def process(self) -> ProcessRequest:
        """Request the CPU device, even if the machine has an accelerator."""
        return ProcessRequest({"PJRT_DEVICE": "CPU"})

    def apply(self, training: Training) -> None:
        """Move the training to the device, and sync at the end of each step."""
        import torch  # noqa: PLC0415 - only in the worker
        import torch_xla  # noqa: PLC0415 - only in this stack

        modules = [training.model]
        if isinstance(training.criterion, torch.nn.Module):
            modules.append(training.criterion)
        old_parameters = [OldParameters(self.name, module) for module in modules]
        _move_training(modules, training.optimizers, torch_xla.device())
        for old, module in zip(old_parameters, modules, strict=True):
            old.require_unused(module)
        device = torch_xla.device()
        training.batch_transforms.append(partial(map_tensors, lambda tensor: tensor.to(device)))
        training.step_wrappers.append(_with_sync)
        training.has_phases = False
        training.closure_obstacles.append(
            "XLA runs a step at its end, but the optimizer would read the loss of each evaluation "
            "earlier"
        )

    def recipe(self, _surroundings: Surroundings) -> Recipe:
        """Return the lines that move model and batches to the device, and sync after each step."""
        return Recipe(
            imports=("import torch_xla",),
            functions=(_MOVE, _TO_DEVICE),
            model=(
                "move(model)  # before the optimizer is built, since this replaces parameters",
                "if isinstance(criterion, torch.nn.Module):",
                "    move(criterion)",
            ),
            tensor_changes=("to_device",),
            step_end=("torch_xla.sync(wait=True)",),
            packages=("torch-xla",),
        )


_MOVE = '''
def move(module):
    """Move *module* to XLA's device, and share again the parameters that it shared before."""
    old_parameters = dict(module.named_parameters(remove_duplicate=False))
    module.to(torch_xla.device())
    new_parameters = {}
    for name, old in old_parameters.items():
        owner, _, attribute = name.rpartition(".")
        owner = module.get_submodule(owner)
        setattr(owner, attribute, new_parameters.setdefault(old, getattr(owner, attribute)))
'''

_TO_DEVICE = '''
def to_device(tensor):
    """Return *tensor* on XLA's device."""
    return tensor.to(torch_xla.device())
'''


def _move_training(
    modules: Iterable[torch.nn.Module], optimizers: Iterable[torch.optim.Optimizer], device: Any
) -> None:
    """Move modules to the device, and let their optimizers update the new parameters."""
    new_parameters: dict[torch.nn.Parameter, torch.nn.Parameter] = {}
    for module in modules:
        new_parameters |= _move(module, device)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            # In place: LBFGS keeps the list itself.
            group["params"][:] = [new_parameters.get(old, old) for old in group["params"]]
        _move_state(optimizer, new_parameters, device)


def _move(module: Any, device: Any) -> dict[torch.nn.Parameter, torch.nn.Parameter]:
    """Move *module* to the device, and return the new parameter for each old one.

    Moving replaces a shared parameter by a new one at each of its names, so this shares the first
    of them again.
    """
    old_parameters = dict(module.named_parameters(remove_duplicate=False))
    require_no_hooks("xla_device", old_parameters)
    module.to(device)
    new_parameters: dict[torch.nn.Parameter, torch.nn.Parameter] = {}
    for name, old in old_parameters.items():
        owner_name, _, attribute = name.rpartition(".")
        owner = module.get_submodule(owner_name)
        setattr(owner, attribute, new_parameters.setdefault(old, getattr(owner, attribute)))
    return new_parameters


def _move_state(
    optimizer: torch.optim.Optimizer,
    new_parameters: dict[torch.nn.Parameter, torch.nn.Parameter],
    device: Any,
) -> None:
    """Move the state that some optimizers (Adagrad) have for each parameter from the start.

    The numbers of steps stay on the CPU, where optimizers read them.
    """
    for old, new in new_parameters.items():
        if old in optimizer.state:
            state = optimizer.state.pop(old)
            optimizer.state[new] = {
                name: value
                if name == "step"
                else map_tensors(lambda tensor: tensor.to(device), value)
                for name, value in state.items()
            }


def _with_sync(body: StepBody) -> StepBody:
    """Return *body* followed by a sync that waits until the device has run all of it."""

    def step(batch: Any) -> torch.Tensor:
        import torch_xla  # noqa: PLC0415 - only in this stack

        loss = body(batch)
        torch_xla.sync(wait=True)
        return loss

    return step
