"""One optimisation: what it asks of the worker's process, and what it changes in a training.

Loaded by the parent and by the worker, whose interpreter may have nothing installed:
standard library only at module level.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, runtime_checkable

from traingate.protocol.json_values import JSON

if TYPE_CHECKING:
    import torch

    from traingate.workload import Dataset


StepBody: TypeAlias = "Callable[[Any], torch.Tensor]"
"""Takes one batch through forward, loss, backward and optimizer step, and returns its loss."""


@dataclass
class Training:
    """The training under construction in the worker: what a layer's ``apply`` may change.

    Attributes:
        model, criterion, optimizer, dataset, batch_size, train_step: as in TrainingSetup.
        loader_options: keyword arguments of the ``torch.utils.data.DataLoader``.
        batch_transforms: applied to each batch in their order, inside the timed step.
        contexts: entered in their order around forward and loss.
        step_wrappers: applied in their order to the body of the step, the last outermost.
        precision: the number format that the model computes in, ``float32`` or ``bfloat16``.
        cores: the cores that this launch may use; a data worker must not inherit the main
            thread's binding to one of them.
    """

    model: torch.nn.Module
    criterion: Callable[..., torch.Tensor] | None
    optimizer: torch.optim.Optimizer
    dataset: Dataset
    batch_size: int
    train_step: Callable[[torch.nn.Module, Any, Any], torch.Tensor] | None = None
    loader_options: dict[str, Any] = field(default_factory=dict)
    batch_transforms: list[Callable[[Any], Any]] = field(default_factory=list)
    contexts: list[Callable[[], AbstractContextManager[Any]]] = field(default_factory=list)
    step_wrappers: list[Callable[[StepBody], StepBody]] = field(default_factory=list)
    precision: str = "float32"
    cores: frozenset[int] = frozenset()


@dataclass(frozen=True)
class RunCpu:
    """A start through ``torch.backends.xeon.run_cpu``.

    Attributes:
        cores: to be bound to, with the memory of their NUMA nodes where that is allowed.
        intel_openmp: whether it is to set what Intel's OpenMP needs.
    """

    cores: tuple[int, ...]
    intel_openmp: bool


@dataclass(frozen=True)
class Ranks:
    """A start as several ranks of one process group, each with cores of its own.

    Attributes:
        launcher: ``torchrun`` or ``ipexrun``.
        count: ranks on this node.
        arguments: passed through to the launcher.
    """

    launcher: str
    count: int
    arguments: tuple[str, ...] = ()

    @property
    def sets_rendezvous(self) -> bool:
        """Whether the arguments say where the ranks find each other, as several nodes need."""
        said = {argument.split("=")[0].replace("_", "-") for argument in self.arguments}
        return bool(said & _MEETING_PLACES)


_MEETING_PLACES: Final = {"--nnodes", "--rdzv-endpoint", "--master-addr", "--hostfile"}


@dataclass(frozen=True)
class ProcessRequest:
    """What a layer asks of the worker's process before it starts.

    Attributes:
        environment: variables to set.
        preloads: paths of shared libraries that are to come before all others.
        run_cpu: start through run_cpu.
        ranks: start as a process group.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    preloads: tuple[str, ...] = ()
    run_cpu: RunCpu | None = None
    ranks: Ranks | None = None

    def and_then(self, other: ProcessRequest) -> ProcessRequest:
        """Both requests; where they disagree, the ``other`` one wins."""
        return ProcessRequest(
            {**self.environment, **other.environment},
            self.preloads + other.preloads,
            other.run_cpu or self.run_cpu,
            other.ranks or self.ranks,
        )


@runtime_checkable
class Layer(Protocol):
    """One optimisation.

    A layer lives twice: in the parent, which asks for its process and whether it can run,
    and in the worker, where it is made anew as ``type(layer)(**layer.options)`` and
    changes the training. Its class must therefore stand at the top level of a module that
    imports nothing but the standard library.

    Attributes:
        name: as in fixtures, records and tables.
        order: its place in a stack; layers apply from the lowest to the highest. The
            layers of traingate: process 50 to 90, batch size 100, data loading 200, memory
            format 300, precision 400, optimizer 450, IPEX 500, distributed 550, compiler 600,
            device 700.
        conflicts: names of layers that exclude this one; in a mapping, each with the reason.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - describe above

    @property
    def order(self) -> int: ...  # noqa: D102 - describe above

    @property
    def conflicts(self) -> Collection[str]: ...  # noqa: D102 - describe above

    @property
    def options(self) -> Mapping[str, JSON]:
        """The keyword arguments that make this layer again."""

    def unavailable(self) -> str | None:
        """Why this machine cannot run the layer and what would mend that, or None."""

    def caution(self) -> str | None:
        """What a person should know before reading its numbers on this machine, or None."""

    def process(self) -> ProcessRequest:
        """What the layer asks of the worker's process."""

    def apply(self, training: Training) -> None:
        """Change the training; called in the worker, where torch may be imported."""


@runtime_checkable
class Starter(Protocol):
    """A layer that must act before anything else does in the worker's process."""

    def start(self) -> None:
        """Called in the worker before the workload is imported, and any thread started."""


@runtime_checkable
class Verifier(Protocol):
    """A layer that can tell from the worker's counters whether it has taken effect."""

    def verify(self, counters: Mapping[str, int]) -> None:
        """Called in the worker after each step of the warm-up.

        Args:
            counters: what was compiled so far, by name, as ``Launch.counters``.

        Raises:
            ConfigurationError: if the training would be measured as what it is not.
        """


@runtime_checkable
class ArgumentProvider(Protocol):
    """A layer that fills in parameters of the workload."""

    def workload_arguments(self) -> Mapping[str, JSON]:
        """Return arguments for the workload, which gets those that it has parameters for."""


class BaseLayer:
    """The answers of a layer that asks for nothing; options are the dataclass's fields.

    Attributes:
        extra: of pytest-traingate, which installs what the layer needs; None for torch alone.
        mathematics: how the layer changes what is computed, None if only rounding differs.
        loss_tolerance: largest relative deviation of the loss from plain's, over the first five
            steps of a small ResNet with the same seed and data; None where the samples differ.
    """

    extra: str | None = None
    mathematics: str | None = None
    loss_tolerance: float | None = 1e-4

    @property
    def conflicts(self) -> Collection[str]:
        """No layer is excluded."""
        return frozenset()

    @property
    def options(self) -> Mapping[str, JSON]:
        """The fields of the dataclass, by name."""
        return {key: value for key, value in vars(self).items() if not key.startswith("_")}

    def unavailable(self) -> str | None:
        """Nothing beyond torch is needed."""
        return None

    def caution(self) -> str | None:
        """Nothing to say."""
        return None

    def process(self) -> ProcessRequest:
        """Nothing is asked of the process."""
        return ProcessRequest()
