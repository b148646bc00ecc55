"""PyTorch/XLA on its CPU device."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from traingate.host.packages import torch_mismatch
from traingate.layers._tensors import map_tensors
from traingate.layers.base import BaseLayer, ProcessRequest, StepBody, Training

if TYPE_CHECKING:
    import torch

_OWN_COMPILER = "XLA compiles the whole step itself"


@dataclass(frozen=True)
class XlaDevice(BaseLayer):
    """Model, criterion and batches on XLA's CPU device, each step ended by a sync.

    XLA records a step and runs it later, so the sync that waits for it lies inside the step's
    time, as the transfer of the batch does. Graphs are compiled in the first steps; a launch
    in which one is compiled later is invalid.
    """

    name = "xla_device"
    order = 700
    extra = "xla"
    loss_tolerance = 1e-3

    @property
    def conflicts(self) -> dict[str, str]:
        """Layers that would not do there what they are named for."""
        return {
            "bf16_autocast": "autocast is ignored on XLA's CPU device, which would train in fp32",
            "float32_precision": "XLA does not compute with oneDNN",
            "channels_last": "XLA chooses the layout of tensors itself",
            "ipex_optimize": "the operators of IPEX are not XLA's",
            "torch_compile": _OWN_COMPILER,
            "data_parallel": "its ranks would need a process group of XLA's",
        }

    def unavailable(self) -> str | None:
        """torch-xla."""
        if find_spec("torch_xla") is not None:
            return torch_mismatch("torch-xla")
        return "PyTorch/XLA is not installed: pip install 'pytest-traingate[xla]'"

    def process(self) -> ProcessRequest:
        """The CPU, also where there is an accelerator."""
        return ProcessRequest({"PJRT_DEVICE": "CPU"})

    def apply(self, training: Training) -> None:
        """Move the training to the device, and sync at the end of each step."""
        import torch  # noqa: PLC0415 - only in the worker
        import torch_xla  # noqa: PLC0415 - only where asked for

        device = torch_xla.device()
        moved = _move(training.model, device)
        if isinstance(training.criterion, torch.nn.Module):
            moved |= _move(training.criterion, device)
        for group in training.optimizer.param_groups:
            group["params"] = [moved.get(parameter, parameter) for parameter in group["params"]]
        _move_state(training.optimizer, moved, device)
        training.batch_transforms.append(partial(map_tensors, lambda tensor: tensor.to(device)))
        training.step_wrappers.append(_synced)


def _move(module: Any, device: Any) -> dict[torch.nn.Parameter, torch.nn.Parameter]:
    """Move ``module``; which new parameter has come for which old one.

    XLA makes a new one for each place that a parameter stands in; shared ones are shared again.
    """
    before = dict(module.named_parameters(remove_duplicate=False))
    module.to(device)
    moved: dict[torch.nn.Parameter, torch.nn.Parameter] = {}
    for name, old in before.items():
        holder_name, _, attribute = name.rpartition(".")
        holder = module.get_submodule(holder_name)
        setattr(holder, attribute, moved.setdefault(old, getattr(holder, attribute)))
    return moved


def _move_state(
    optimizer: torch.optim.Optimizer,
    moved: dict[torch.nn.Parameter, torch.nn.Parameter],
    device: Any,
) -> None:
    """Hand on what some optimizers (Adagrad) keep of each parameter from the start.

    Counters of steps stay where they are: optimizers look at them on the CPU.
    """
    for old, new in moved.items():
        if old in optimizer.state:
            kept = optimizer.state.pop(old)
            optimizer.state[new] = {
                name: value if name == "step" else map_tensors(lambda it: it.to(device), value)
                for name, value in kept.items()
            }


def _synced(body: StepBody) -> StepBody:
    """``body`` with a sync behind it that waits until the device has done all of it."""

    def step(batch: Any) -> torch.Tensor:
        import torch_xla  # noqa: PLC0415 - only where asked for

        loss = body(batch)
        torch_xla.sync(wait=True)
        return loss

    return step
