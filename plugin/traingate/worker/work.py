"""Count the work of one plain training step: operations, operators, and bytes of memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

from traingate.layers.step_context import StepContext
from traingate.layers.training import Training
from traingate.training_setup import TrainingSetup
from traingate.worker.built_training import training_of

_SAMPLES: Final = (2, 4)
"""Samples of the two steps that are counted. Batch norm in training mode needs at least two. From
the difference follows what each sample adds."""

_PARAMETER_PASSES: Final = 6
"""Times that a trained parameter or its gradient passes through memory in a step: forward and
backward read the parameter, backward writes the gradient, the update reads both and writes the
parameter."""


@dataclass(frozen=True)
class Work:
    """Work of one plain step.

    The bytes are those that pass through memory at least, if no cache keeps them.

    Attributes:
        flops_per_sample: Floating point operations per sample of forward, loss and backward, as
            counted by ``torch.utils.flop_counter.FlopCounterMode`` (a multiplication and an
            addition are two).
        operators: Number of operators that a step calls, optimizer included.
        bytes_per_sample: Bytes of the activations that forward keeps for backward, written once and
            read once.
        fixed_bytes: Bytes of parameters, gradients and optimizer state.
    """

    flops_per_sample: float
    operators: int
    bytes_per_sample: float
    fixed_bytes: float


class _Operators(TorchDispatchMode):
    """Dispatch mode that counts the operators that are called."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # torch has no type here
        self.calls = 0

    def __torch_dispatch__(
        self, func: Any, _types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        self.calls += 1
        return func(*args, **(kwargs or {}))


def count(setup: TrainingSetup) -> Work:
    """Take two steps, of two and of four samples, and count their work.

    The model must have no layer, because Dynamo does not compile under a dispatch mode, and
    FlopCounterMode does not know the operators of IPEX.

    Args:
        setup: Setup with a model of its own, which the steps change.
    """
    training = training_of(setup)
    context = StepContext(training)
    few_samples, many_samples = _SAMPLES
    with _Operators() as operators, FlopCounterMode(display=False) as flops:
        few_bytes = _kept_bytes(setup, training, context, few_samples)
    if training.step is None:
        training.optimizer.zero_grad()
    many_bytes = _kept_bytes(setup, training, context, many_samples)
    bytes_per_sample = max(0.0, (many_bytes - few_bytes) / (many_samples - few_samples))
    return Work(
        float(flops.get_total_flops()) / few_samples,
        operators.calls,
        2 * bytes_per_sample,
        _fixed_bytes(training),
    )


def _kept_bytes(
    setup: TrainingSetup, training: Training, context: StepContext, samples: int
) -> int:
    """Take one step, and return the bytes that forward keeps for backward, without parameters."""
    dataset: Any = setup.dataset
    loader = DataLoader(dataset, batch_size=samples, collate_fn=setup.collate_fn)
    batch = next(iter(loader))
    parameters = {each.untyped_storage().data_ptr() for each in _parameters(training)}
    sizes: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.layout == torch.strided:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in parameters:
                sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(note, lambda tensor: tensor):
        context.take(batch)
    return sum(sizes.values())


def _parameters(training: Training) -> Iterator[torch.nn.Parameter]:
    """Yield the parameters of all models; a ``train_step`` can do without a model."""
    for model in training.models().values():
        if isinstance(model, torch.nn.Module):
            yield from model.parameters()


def _fixed_bytes(training: Training) -> float:
    """Return the bytes of parameters, gradients and optimizer state that pass through memory."""
    size = 0
    for parameter in _parameters(training):
        if parameter.grad is None:  # frozen, or not used in this step
            size += 2 * parameter.nbytes
        elif parameter.grad.is_sparse:  # only these rows are touched
            size += _PARAMETER_PASSES * parameter.grad.coalesce().values().nbytes
        else:
            size += _PARAMETER_PASSES * parameter.nbytes
    for optimizer in training.optimizers:
        for state in getattr(optimizer, "state", {}).values():
            tensors = (value for value in state.values() if isinstance(value, torch.Tensor))
            size += sum(2 * tensor.nbytes for tensor in tensors)
    return float(size)
