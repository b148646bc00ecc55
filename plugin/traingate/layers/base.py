"""Define what a layer is: its request to the worker's process, and its change to the training.

The worker imports this module too, under an interpreter that may have nothing but torch installed,
so the module imports nothing but traingate and the standard library.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, runtime_checkable

from traingate.layers.training import Training
from traingate.protocol.json_values import JSON


@dataclass(frozen=True)
class RunCpu:
    """Request to start the worker through ``torch.backends.xeon.run_cpu``.

    Attributes:
        cores: Numbers of the CPU cores to bind the worker to. Its memory is bound to their NUMA
            nodes where numactl is permitted to do that.
        intel_openmp: True if run_cpu is to set the variables that Intel's OpenMP needs.
    """

    cores: tuple[int, ...]
    intel_openmp: bool


@dataclass(frozen=True)
class Ranks:
    """Request to start several ranks of one process group, each on cores of its own.

    Attributes:
        launcher: Program that starts the ranks, ``torchrun`` or ``ipexrun``.
        count: Number of ranks on this node, at least 1.
        arguments: Further command-line arguments for the launcher.
        by_cache: True for a rank on each group of cores that share an L3 cache; ``count`` is then
            that of all physical cores, and fewer if the stack uses fewer cores.
    """

    launcher: str
    count: int
    arguments: tuple[str, ...] = ()
    by_cache: bool = False

    @property
    def sets_rendezvous(self) -> bool:
        """Return whether ``arguments`` set the rendezvous, as a group over several nodes needs."""
        options = {argument.split("=")[0].replace("_", "-") for argument in self.arguments}
        return bool(options & _RENDEZVOUS_OPTIONS)


_RENDEZVOUS_OPTIONS: Final = {"--nnodes", "--rdzv-endpoint", "--master-addr", "--hostfile"}


@dataclass(frozen=True)
class ProcessRequest:
    """Request of a layer for how the worker's process is to be started.

    Attributes:
        environment: Environment variables to set, by name.
        preloads: Absolute paths of shared libraries to put at the front of ``LD_PRELOAD``.
        run_cpu: Request to start through ``torch.backends.xeon.run_cpu``, None for no such start.
        ranks: Request to start as a process group, None for a single process.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    preloads: tuple[str, ...] = ()
    run_cpu: RunCpu | None = None
    ranks: Ranks | None = None

    def and_then(self, other: ProcessRequest) -> ProcessRequest:
        """Return both requests merged.

        Args:
            other: Request that wins where both set the same variable, or both have a
                ``run_cpu`` or ``ranks``. Its preloads come after those of this request.
        """
        return ProcessRequest(
            {**self.environment, **other.environment},
            self.preloads + other.preloads,
            other.run_cpu or self.run_cpu,
            other.ranks or self.ranks,
        )


@runtime_checkable
class Layer(Protocol):
    """Protocol of a layer, which is one optimisation; the layers of a test form its stack.

    A layer exists twice. In pytest's process it says whether it can run and how it wants the
    worker's process to be started. In the worker it is made again as
    ``type(layer)(**layer.options)`` and changes the training. Therefore its class must stand at the
    top level of a module, and that module must import nothing but traingate and the standard
    library at its own top level; ``apply`` may import torch.
    """

    @property
    def name(self) -> str:
        """Return the name of the layer in records and tables, unique within a stack."""

    @property
    def order(self) -> int:
        """Return a number that decides the layer's place in a stack.

        Layers apply from the lowest to the highest, and those of equal order by name. The layers of
        traingate have these: process 50 to 70, batch size 100, data loading 200 to 210, memory
        format 300, checkpointing 350, precision 400 to 410, optimizer 450 to 455, IPEX 500,
        distributed training 550, compilers 600 to 650, device 700.
        """

    @property
    def conflicts(self) -> Collection[str]:
        """Return the names of the layers that cannot be in one stack with this one.

        A mapping from each name to the reason adds that reason to the error message.
        """

    @property
    def options(self) -> Mapping[str, JSON]:
        """Return the keyword arguments by which ``type(layer)(**options)`` makes this layer again.

        JSON carries them to the worker and into the record, so their values must be what JSON can
        represent; a tuple becomes a list.
        """

    def unavailable(self) -> str | None:
        """Return why this machine cannot run the layer and how to change that; None if it can.

        A test with such a layer is skipped with this text, or fails if ``--traingate-require``
        names the layer or its ``extra``.
        """

    def caution(self) -> str | None:
        """Return why the layer's throughput on this machine may mislead; None if it does not."""

    def process(self) -> ProcessRequest:
        """Return the request for how the worker's process is to be started."""

    def apply(self, training: Training) -> None:
        """Change *training* in place; called in the worker, where torch may be imported.

        Args:
            training: Training under construction, as the layers of lower ``order`` have left it.

        Raises:
            TraingateError: If the layer cannot be applied, so that the training would be
                measured without it.
        """


@runtime_checkable
class Starter(Protocol):
    """Protocol of a layer that must act before anything else in the worker's process."""

    def start(self) -> None:
        """Prepare the worker's process.

        It is called before the workload is imported and before torch starts a thread.
        """


@runtime_checkable
class Verifier(Protocol):
    """Protocol of a layer that can check by the worker's counters whether it has had an effect."""

    def verify(self, counters: Mapping[str, int]) -> None:
        """Check that the layer has had an effect; called in the worker after each warm-up step.

        Args:
            counters: Numbers of compilations so far, by name, such as ``dynamo_graphs``; empty if
                no compiler is loaded. ``traingate.worker.counters.compilations`` lists the names.

        Raises:
            TraingateError: If the layer has had no effect, so that the training would be
                measured without it.
        """


@runtime_checkable
class ArgumentProvider(Protocol):
    """Protocol of a layer that sets arguments of the workload."""

    def workload_arguments(self) -> Mapping[str, JSON]:
        """Return arguments by name; the workload gets those that it has parameters for."""


class BaseLayer:
    """Base class of layers, with a default for all of ``Layer`` but name, order and apply.

    Derive a frozen dataclass from it. The fields of the dataclass are the layer's options;
    ``name`` and ``order`` are class attributes without an annotation.

    Attributes:
        extra: Extra of pytest-traingate that installs the layer's requirements, such as ``ipex``;
            None if the layer needs torch alone.
        environment: Name of the environment in which a stack of this layer runs where the running
            one lacks what the layer needs, such as ``ipex``; None if there is none.
        mathematics: Description of how the layer changes the computation, as a clause without a
            full stop; None if only rounding differs.
        loss_tolerance: Largest relative deviation of the loss from that of the plain workload with
            the same seed and data, in each of the first five steps of a small convolutional net
            (``tests/effects/test_losses.py``); None if the layer trains on other samples, so that
            the losses cannot be compared.
    """

    extra: str | None = None
    environment: str | None = None
    mathematics: str | None = None
    loss_tolerance: float | None = 1e-4

    @property
    def conflicts(self) -> Collection[str]:
        """Return no names, since a layer excludes no other by default."""
        return frozenset()

    @property
    def options(self) -> Mapping[str, JSON]:
        """Return the fields of the dataclass, by name, without those that begin with ``_``."""
        return {key: value for key, value in vars(self).items() if not key.startswith("_")}

    def unavailable(self) -> str | None:
        """Return None, since a layer needs nothing beyond torch by default."""
        return None

    def caution(self) -> str | None:
        """Return None, since a layer has no caution by default."""
        return None

    def process(self) -> ProcessRequest:
        """Return an empty request, since a layer changes nothing about the process by default."""
        return ProcessRequest()
