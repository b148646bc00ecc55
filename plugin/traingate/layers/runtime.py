"""Define the layer that tunes the process: memory allocator, OpenMP runtime, cores, NUMA node."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from traingate.errors import ConfigurationError
from traingate.host import shared_libraries
from traingate.host.cpu import available_cores, logical_cores, parse_cores, physical_cores
from traingate.layers.base import BaseLayer, ProcessRequest, RunCpu
from traingate.layers.recipe import Recipe, Surroundings
from traingate.layers.training import Training
from traingate.protocol.json_values import JSON

_ALLOCATORS: Final = {
    "tcmalloc": ("tcmalloc", "tcmalloc_minimal"),
    "jemalloc": ("jemalloc",),
    "jemalloc-retain": ("jemalloc",),
    "mimalloc": ("mimalloc",),
    "glibc": (),
    "default": (),
}
"""Names of the shared libraries without ``lib`` and ``.so``, the preferred one first."""

_OPENMP: Final = {"intel": ("iomp5",), "gnu": ()}
"""Names of the shared libraries, likewise; torch brings the GNU runtime itself."""

INSTALL_COMMANDS: Final = {
    "tcmalloc": "apt-get install google-perftools",
    "jemalloc": "apt-get install libjemalloc2",
    "jemalloc-retain": "apt-get install libjemalloc2",
    "mimalloc": "apt-get install libmimalloc2.0",
    "intel": "pip install 'pytest-traingate[runtime]'",
}
"""Commands that install the libraries; conda-forge has these too."""

_VARIABLES: Final = {
    "tcmalloc": {},
    # torch.backends.xeon.run_cpu and ipexrun set this value if they find the library themselves.
    "jemalloc": {"MALLOC_CONF": "oversize_threshold:1,background_thread:true,metadata_thp:auto"},
    # With oversize_threshold:1, jemalloc returns each large tensor to the kernel when it is freed.
    # Without decay (jemalloc(3)) it keeps what it has.
    "jemalloc-retain": {
        "MALLOC_CONF": "dirty_decay_ms:-1,muzzy_decay_ms:-1,background_thread:true,"
        "metadata_thp:auto"
    },
    "mimalloc": {},
    # By default, glibc maps each large tensor anew and returns it to the kernel when it is
    # freed. These values (mallopt(3)) keep it from mapping, let it return memory only above 1 TiB
    # of free memory, and let it request 64 MiB more than needed from the kernel.
    "glibc": {
        "MALLOC_MMAP_MAX_": "0",
        "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
        "MALLOC_TOP_PAD_": str(64 << 20),
    },
    "default": {},
}
"""Environment variables for each allocator."""


def _find_first(stems: tuple[str, ...]) -> str | None:
    """Return the path of the first of these libraries that is installed, else None."""
    paths = (shared_libraries.find_library(stem) for stem in stems)
    return next((str(path) for path in paths if path is not None), None)


def best_allocator() -> str:
    """Return the default allocator: tcmalloc or jemalloc if installed, else glibc's own, tuned."""
    allocators = (name for name in ("tcmalloc", "jemalloc") if _find_first(_ALLOCATORS[name]))
    return next(allocators, "glibc")


def best_openmp() -> str:
    """Return the default OpenMP runtime: Intel's if installed, else the GNU one of torch."""
    return "intel" if _find_first(_OPENMP["intel"]) else "gnu"


@dataclass(frozen=True)
class TunedRuntime(BaseLayer):
    """Layer that starts the worker through ``torch.backends.xeon.run_cpu``.

    It sets the memory allocator, the OpenMP runtime, the cores and the NUMA node. The dynamic
    loader only prints a line if it cannot load a library of ``LD_PRELOAD``. So the worker checks
    which libraries it has, and raises an error if they are not those of this layer.

    Attributes:
        allocator: Memory allocator: ``tcmalloc``, ``jemalloc`` (as run_cpu sets it up),
            ``jemalloc-retain`` (which returns no memory to the kernel), ``mimalloc``, ``glibc``
            (the C library's malloc with thresholds that keep it from returning each large tensor
            to the kernel), or ``default`` (the C library's malloc as it is). By default, the first
            of tcmalloc, jemalloc and glibc that is installed.
        openmp: OpenMP runtime, ``intel`` or ``gnu``. By default, Intel's if it is installed.
        cores: Numbers of the CPU cores to use, such as ``0-3,8``. By default, all physical cores
            of ``node`` that this process may use.
        node: Number of the NUMA node to take cores from if ``cores`` is None. By default, all
            nodes.
        hyperthreads: True to use both threads of each physical core (simultaneous multithreading),
            which share its vector units. It excludes ``cores``.
    """

    allocator: str = field(default_factory=best_allocator)
    openmp: str = field(default_factory=best_openmp)
    cores: str | None = None
    node: int | None = None
    hyperthreads: bool = False
    name = "tuned_runtime"
    order = 50
    extra = "runtime"

    def __post_init__(self) -> None:
        for kind, value, choices in (
            ("an allocator", self.allocator, _ALLOCATORS),
            ("an OpenMP runtime", self.openmp, _OPENMP),
        ):
            if value not in choices:
                raise ConfigurationError(
                    f"tuned_runtime takes {kind} out of {', '.join(choices)}, not {value!r}"
                )
        if self.hyperthreads and self.cores is not None:
            raise ConfigurationError("tuned_runtime takes either cores or hyperthreads, not both")
        try:
            self._cores()
        except (ValueError, AttributeError) as error:
            raise ConfigurationError(
                f"tuned_runtime takes cores such as '0-3,8', not {self.cores!r}"
            ) from error

    def unavailable(self) -> str | None:
        """Return which library is not installed, or which cores cannot be used; None if all can."""
        for name, stems in ((self.allocator, _ALLOCATORS), (self.openmp, _OPENMP)):
            if stems[name] and _find_first(stems[name]) is None:
                return f"lib{stems[name][0]} is not installed: {INSTALL_COMMANDS[name]}"
        if self.allocator == "glibc" and platform.libc_ver()[0] != "glibc":
            return "the C library is not glibc: choose another allocator"
        if self.hyperthreads and self._cores() == physical_cores(self.node):
            return "the cores of this machine run one thread each, so hyperthreads change nothing"
        if not self._cores() or not set(self._cores()) <= available_cores():
            choice = f"cores {self.cores}" if self.cores else f"NUMA node {self.node}"
            return f"{choice} cannot be used: this process may run on {sorted(available_cores())}"
        return None

    def process(self) -> ProcessRequest:
        """Request preloads, environment variables, and the start through run_cpu."""
        preloads = map(_find_first, (_ALLOCATORS[self.allocator], _OPENMP[self.openmp]))
        return ProcessRequest(
            environment=_VARIABLES[self.allocator],
            preloads=tuple(path for path in preloads if path is not None),
            run_cpu=RunCpu(self._cores(), self.openmp == "intel"),
        )

    def apply(self, _training: Training) -> None:
        """Check which allocator and OpenMP runtime this process really has; change nothing.

        Raises:
            ConfigurationError: If one of them is not that of this layer.
        """
        own_allocator = shared_libraries.tensor_allocator_name()
        if _ALLOCATORS[self.allocator] and own_allocator != shared_libraries.allocator_name():
            raise ConfigurationError(
                f"tuned_runtime asked for {self.allocator}, and this torch takes the memory of "
                f"tensors from {own_allocator}: choose the allocator default"
            )
        for purpose, name, stems, own_library, library in (
            ("malloc", self.allocator, _ALLOCATORS, "libc", shared_libraries.allocator_name()),
            ("OpenMP", self.openmp, _OPENMP, "libgomp", shared_libraries.openmp_name()),
        ):
            prefixes = [f"lib{stem}." for stem in stems[name]] or [
                f"{own_library}.",
                f"{own_library}-",
            ]
            if library is None or not library.startswith(tuple(prefixes)):
                raise ConfigurationError(
                    f"tuned_runtime asked for {name}, and {purpose} comes from {library}. "
                    f"{INSTALL_COMMANDS.get(name, 'Unset LD_PRELOAD')}."
                )

    def recipe(self, _surroundings: Surroundings) -> Recipe:
        """Return the commands that install the libraries; the script needs no line."""
        commands = {**INSTALL_COMMANDS, "intel": "pip install intel-openmp"}
        names = (self.allocator, self.openmp)
        return Recipe(installs=tuple(commands[name] for name in names if name in commands))

    def _cores(self) -> tuple[int, ...]:
        """Return the numbers of the cores to use; ValueError if ``cores`` is not a list of them."""
        if self.cores is not None:
            return tuple(sorted(parse_cores(self.cores)))
        return logical_cores(self.node) if self.hyperthreads else physical_cores(self.node)

    @property
    def options(self) -> Mapping[str, JSON]:
        """Return the fields, ``hyperthreads`` only if it is set: older records do not have it."""
        fields = dict(super().options)
        if not self.hyperthreads:
            del fields["hyperthreads"]
        return fields
