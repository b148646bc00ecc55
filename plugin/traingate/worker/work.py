"""Count the work of one plain training step: operations, operators, and bytes of memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

from traingate.layers.step_context import StepContext
from traingate.training_setup import TrainingSetup
from traingate.worker.built_training import training_of

_SAMPLES: Final = (2, 4)
"""Samples of the two steps that are counted. Batch norm in training mode needs at least two. From
the difference follows what each sample adds."""


@dataclass(frozen=True)
class Work:
    """Work of one plain step.

    Attributes:
        flops_per_sample: Floating point operations per sample of forward, loss and backward, as
            counted by ``torch.utils.flop_counter.FlopCounterMode`` (a multiplication and an
            addition are two).
        operators: Number of operators that a step calls, optimizer included.
        fixed_bytes: Bytes that operators read and write for parameters and optimizer, which are the
            same for all batches.
        bytes_per_sample: Bytes that they read and write more for each sample.
    """

    flops_per_sample: float
    operators: int
    fixed_bytes: float
    bytes_per_sample: float

    def bytes_per_step(self, batch_size: int) -> float:
        """Return the bytes that the operators of a step with this batch size read and write."""
        return self.fixed_bytes + batch_size * self.bytes_per_sample


class _Operators(TorchDispatchMode):
    """Dispatch mode that counts the operators that are called, and the bytes of their tensors.

    Each operator is taken to read all its inputs and to write all its outputs. That is more than
    passes through memory where a cache keeps a tensor until the next operator.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # torch has no type here
        self.calls = 0
        self.bytes = 0

    def __torch_dispatch__(
        self, func: Any, _types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        self.calls += 1
        result = func(*args, **(kwargs or {}))
        if not func.is_view:
            self.bytes += sum(_sizes((args, kwargs))) + sum(_sizes(result))
        return result


def _sizes(values: Any) -> Iterator[int]:
    """Yield the bytes of the tensors in a nested structure."""
    for value in tree_leaves(values):
        if isinstance(value, torch.Tensor) and value.layout == torch.strided:
            yield value.numel() * value.element_size()


def count(setup: TrainingSetup) -> Work:
    """Take two steps, of two and of four samples, and count their work.

    The model must have no layer, because Dynamo does not compile under a dispatch mode, and
    FlopCounterMode does not know the operators of IPEX.

    Args:
        setup: Setup with a model of its own, which the steps change.
    """
    context = StepContext(training_of(setup))
    few, more = _SAMPLES
    flops, operators, few_bytes = _count_step(setup, context, few)
    _, _, more_bytes = _count_step(setup, context, more)
    bytes_per_sample = max(0.0, (more_bytes - few_bytes) / (more - few))
    return Work(flops / few, operators, few_bytes - few * bytes_per_sample, bytes_per_sample)


def _count_step(setup: TrainingSetup, context: StepContext, samples: int) -> tuple[float, int, int]:
    """Take one step, and return its floating point operations, its operators and their bytes."""
    dataset: Any = setup.dataset
    loader = DataLoader(dataset, batch_size=samples, collate_fn=setup.collate_fn)
    batch = next(iter(loader))
    with _Operators() as operators, FlopCounterMode(display=False) as flops:
        context.take(batch)
    return float(flops.get_total_flops()), operators.calls, operators.bytes
