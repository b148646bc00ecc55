"""What the process runs on: memory allocator, OpenMP runtime, cores and NUMA node."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from typing import Final

from traingate.errors import ConfigurationError
from traingate.host import shared_libraries
from traingate.host.cpu import available_cores, parse_cores, physical_cores
from traingate.layers.base import BaseLayer, ProcessRequest, RunCpu, Training

_ALLOCATORS: Final = {
    "tcmalloc": ("tcmalloc", "tcmalloc_minimal"),
    "jemalloc": ("jemalloc",),
    "glibc": (),
    "default": (),
}
"""Stems of the shared libraries, the preferred one first."""

_OPENMP: Final = {"intel": ("iomp5",), "gnu": ()}

INSTALL: Final = {
    "tcmalloc": "apt-get install google-perftools",
    "jemalloc": "apt-get install libjemalloc2",
    "intel": "pip install 'pytest-traingate[runtime]'",
}
"""The command that brings a library that is missing; conda-forge has them too."""

_VARIABLES: Final = {
    "tcmalloc": {},
    # As torch.backends.xeon.run_cpu and ipexrun set it, where they find the library themselves.
    "jemalloc": {"MALLOC_CONF": "oversize_threshold:1,background_thread:true,metadata_thp:auto"},
    # Every large tensor would be mapped, page by page, and given back when it is freed: never
    # map (mallopt(3)), and keep what is free unless it is more than the machine is likely to have.
    "glibc": {
        "MALLOC_MMAP_MAX_": "0",
        "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
        "MALLOC_TOP_PAD_": str(64 << 20),
    },
    "default": {},
}


def _first_found(stems: tuple[str, ...]) -> str | None:
    found = (shared_libraries.find_library(stem) for stem in stems)
    return next((str(path) for path in found if path is not None), None)


def best_allocator() -> str:
    """The allocator to take where none is named: tcmalloc, jemalloc, else glibc's own, tuned."""
    found = (name for name in ("tcmalloc", "jemalloc") if _first_found(_ALLOCATORS[name]))
    return next(found, "glibc")


def best_openmp() -> str:
    """Intel's OpenMP where it is installed, else the GNU one that torch brings."""
    return "intel" if _first_found(_OPENMP["intel"]) else "gnu"


@dataclass(frozen=True)
class TunedRuntime(BaseLayer):
    """The worker started by ``torch.backends.xeon.run_cpu``: allocator, OpenMP, cores, NUMA.

    Libraries come by LD_PRELOAD, which passes over a missing one in silence; the worker looks at
    what it got, and refuses to be measured as something else.

    Attributes:
        allocator: ``tcmalloc``, ``jemalloc``, ``glibc`` (the C library's malloc with thresholds
            that keep it from returning every large tensor to the kernel), or ``default``. Where
            none is given, the first of these that is installed.
        openmp: ``intel`` or ``gnu``; where none is given, Intel's if it is installed.
        cores: such as ``0-3,8``; all physical ones that the process may use by default.
        node: NUMA node whose cores to take, where ``cores`` does not say.
    """

    allocator: str = field(default_factory=best_allocator)
    openmp: str = field(default_factory=best_openmp)
    cores: str | None = None
    node: int | None = None
    name = "tuned_runtime"
    order = 50
    extra = "runtime"

    def __post_init__(self) -> None:
        for what, value, known in (
            ("an allocator", self.allocator, _ALLOCATORS),
            ("an OpenMP runtime", self.openmp, _OPENMP),
        ):
            if value not in known:
                raise ConfigurationError(
                    f"tuned_runtime takes {what} out of {', '.join(known)}, not {value!r}"
                )
        try:
            self._cores()
        except (ValueError, AttributeError) as error:
            raise ConfigurationError(
                f"tuned_runtime takes cores such as '0-3,8', not {self.cores!r}"
            ) from error

    def unavailable(self) -> str | None:
        """The libraries asked for, and the cores."""
        for name, stems in ((self.allocator, _ALLOCATORS), (self.openmp, _OPENMP)):
            if stems[name] and _first_found(stems[name]) is None:
                return f"lib{stems[name][0]} is not installed: {INSTALL[name]}"
        if self.allocator == "glibc" and platform.libc_ver()[0] != "glibc":
            return "the C library is not glibc: choose another allocator"
        if not self._cores() or not set(self._cores()) <= available_cores():
            asked = f"cores {self.cores}" if self.cores else f"NUMA node {self.node}"
            return f"{asked} cannot be used: this process may run on {sorted(available_cores())}"
        return None

    def process(self) -> ProcessRequest:
        """Preloads, variables, and the start through run_cpu."""
        preloads = map(_first_found, (_ALLOCATORS[self.allocator], _OPENMP[self.openmp]))
        return ProcessRequest(
            environment=_VARIABLES[self.allocator],
            preloads=tuple(path for path in preloads if path is not None),
            run_cpu=RunCpu(self._cores(), self.openmp == "intel"),
        )

    def apply(self, _training: Training) -> None:
        """Change nothing, but see what this process really runs on."""
        for what, name, stems, own, served in (
            ("malloc", self.allocator, _ALLOCATORS, "libc", shared_libraries.allocator()),
            ("OpenMP", self.openmp, _OPENMP, "libgomp", shared_libraries.openmp()),
        ):
            wanted = [f"lib{stem}." for stem in stems[name]] or [f"{own}.", f"{own}-"]
            if served is None or not served.startswith(tuple(wanted)):
                raise ConfigurationError(
                    f"tuned_runtime asked for {name}, and {what} comes from {served}. "
                    f"{INSTALL.get(name, 'Unset LD_PRELOAD')}."
                )

    def _cores(self) -> tuple[int, ...]:
        if self.cores is not None:
            return tuple(sorted(parse_cores(self.cores)))
        return physical_cores(self.node)
