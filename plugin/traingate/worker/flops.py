"""Count the floating point operations and operators of one plain training step."""

from __future__ import annotations

from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

from traingate.layers.step_context import StepContext
from traingate.training_setup import TrainingSetup
from traingate.worker.built_training import training_of

_SAMPLES = 2  # batch norm in training mode needs at least two


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


def count(setup: TrainingSetup) -> tuple[float, int]:
    """Take one step of two samples, and count its work.

    The model must have no layer, because Dynamo does not compile under a dispatch mode, and
    FlopCounterMode does not know the operators of IPEX.

    Args:
        setup: Setup with a model of its own, which the step changes.

    Returns:
        Floating point operations per sample of forward, loss and backward, as counted by
        ``torch.utils.flop_counter.FlopCounterMode`` (a multiplication and an addition are two);
        and the number of operators that the step calls, optimizer included.
    """
    dataset: Any = setup.dataset
    loader = DataLoader(dataset, batch_size=_SAMPLES, collate_fn=setup.collate_fn)
    batch = next(iter(loader))
    context = StepContext(training_of(setup))
    with _Operators() as operators, FlopCounterMode(display=False) as flops:
        context.take(batch)
    return float(flops.get_total_flops()) / _SAMPLES, operators.calls
