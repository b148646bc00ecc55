"""Examine what this machine has and lacks for each layer, and how to change that.

No training is measured, and torch is not imported.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from msgspec import Struct

from traingate import layers
from traingate.host import cpu, noise, packages, shared_libraries
from traingate.host.hardware import hardware
from traingate.layers.base import Layer
from traingate.layers.runtime import INSTALL_COMMANDS

_NOISY_STEAL_SHARE = 0.005
"""Share of CPU time above which steal time is reported as noise."""


class State(str, Enum):
    """Assessment of a finding."""

    FINE = "fine"
    """Present, or as good as it can be."""
    NOTE = "note"
    """Worth knowing when measurements are read."""
    LACKING = "lacking"
    """Missing, of an unsuitable version, or unable to run."""


class Finding(Struct, frozen=True, kw_only=True):
    """Fact about this machine, with its meaning for measurements.

    Attributes:
        topic: Group of the finding, such as ``processor``.
        subject: Name of the feature, program, package or layer that was examined.
        state: Assessment.
        found: State of the subject on this machine, such as a version or ``absent``.
        meaning: Consequence for measurements; empty if there is none.
        remedy: Command that changes it; empty if there is none or none is needed.
    """

    topic: str
    subject: str
    state: State
    found: str
    meaning: str = ""
    remedy: str = ""


def examine() -> list[Finding]:
    """Return all findings on this machine, those of one topic after each other."""
    return [*_processor(), *_clock(), *_noise(), *_memory(), *_software(), *_layers()]


def _processor() -> Iterator[Finding]:
    """Yield the findings on the CPU model and on its instruction sets, and those on its cores."""
    machine, flags = hardware(), cpu.instruction_sets()
    yield Finding(topic="processor", subject="model", state=State.FINE, found=machine.cpu)
    for subject, sufficient_flags, meaning in (
        ("AVX-512", {"avx512f"}, "fp32 convolutions run at half the width"),
        (
            "AVX512_BF16",
            {"avx512_bf16"},
            "" if "amx_bf16" in flags else "bf16 is emulated: correct, but slower than fp32",
        ),
        ("AMX", {"amx_bf16", "amx_tile"}, "no matrix unit: bf16 may gain nothing over fp32"),
        ("VNNI", {"avx512_vnni", "avx_vnni"}, "int8 is not accelerated; training seldom needs it"),
    ):
        present_flags = sorted(sufficient_flags & flags)
        yield Finding(
            topic="processor",
            subject=subject,
            state=State.FINE if present_flags else State.NOTE,
            found=" ".join(present_flags) or "absent",
            meaning="" if present_flags else meaning,
        )
    yield from _cores()


def _cores() -> Iterator[Finding]:
    """Yield the findings on cores, NUMA nodes and simultaneous multithreading (SMT)."""
    usable, total = cpu.core_count(), os.cpu_count() or 1
    yield Finding(
        topic="processor",
        subject="cores",
        state=State.FINE if usable == total else State.NOTE,
        found=f"{usable} of {total} after affinity and cgroup quota",
        meaning="" if usable == total else "only runs with the same number are comparable",
    )
    nodes = cpu.numa_nodes()
    yield Finding(
        topic="processor",
        subject="NUMA nodes",
        state=State.FINE,
        found=str(len(nodes)),
        meaning=f"data_parallel starts {len(nodes)} rank(s) by default",
    )
    smt = noise.smt()
    physical = len(cpu.physical_cores())
    yield Finding(
        topic="processor",
        subject="SMT",
        state=State.FINE if not smt else State.NOTE,
        found={None: "unknown", True: f"on, {physical} physical cores", False: "off"}[smt],
        meaning="two threads share a core's vector units: tuned_runtime uses one" if smt else "",
    )


def _clock() -> Iterator[Finding]:
    """Yield the findings on the clock rate."""
    governor = noise.governor()
    steady = governor in {None, "performance"}
    yield Finding(
        topic="steadiness",
        subject="governor",
        state=State.FINE if steady else State.NOTE,
        found=governor or "unknown",
        meaning="" if steady else "the clock rate follows the load",
        remedy="" if steady else "sudo cpupower frequency-set --governor performance",
    )
    turbo = noise.turbo()
    yield Finding(
        topic="steadiness",
        subject="turbo",
        state=State.NOTE if turbo else State.FINE,
        found={None: "unknown", True: "on", False: "off"}[turbo],
        meaning="the clock rate follows temperature and the load of other cores" if turbo else "",
        remedy=noise.turbo_off_command() if turbo else "",
    )


def _noise() -> Iterator[Finding]:
    """Yield the findings on other work that competes for the CPU."""
    virtual = "hypervisor" in cpu.instruction_sets()
    yield Finding(
        topic="steadiness",
        subject="virtual machine",
        state=State.NOTE if virtual else State.FINE,
        found="yes" if virtual else "no",
        meaning="other machines share the host: trust ratios, not times" if virtual else "",
    )
    steal_share = noise.steal_share()
    noisy = steal_share is not None and steal_share > _NOISY_STEAL_SHARE
    yield Finding(
        topic="steadiness",
        subject="steal time",
        state=State.NOTE if noisy else State.FINE,
        found="unknown" if steal_share is None else f"{steal_share:.1%} of the last second",
        meaning="the host is overcommitted: expect wide intervals" if noisy else "",
    )
    load = os.getloadavg()[0]
    busy = load > 0.5 * cpu.core_count()
    yield Finding(
        topic="steadiness",
        subject="load",
        state=State.NOTE if busy else State.FINE,
        found=f"{load:.1f} in the last minute",
        meaning="something else is running, and will be measured too" if busy else "",
    )


def _memory() -> Iterator[Finding]:
    """Yield the findings on memory, and on the libraries for allocation and OpenMP."""
    total = hardware().memory_bytes
    yield Finding(
        topic="memory", subject="physical", state=State.FINE, found=f"{total / 2**30:.1f} GiB"
    )
    pages = noise.transparent_huge_pages()
    yield Finding(
        topic="memory",
        subject="transparent huge pages",
        state=State.NOTE if pages == "never" else State.FINE,
        found=pages or "unknown",
        meaning="large tensors cost more page faults" if pages == "never" else "",
        remedy=(
            "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled"
            if pages == "never"
            else ""
        ),
    )
    for subject, stem, remedy in (
        ("tcmalloc", "tcmalloc", INSTALL_COMMANDS["tcmalloc"]),
        ("jemalloc", "jemalloc", INSTALL_COMMANDS["jemalloc"]),
        ("Intel OpenMP", "iomp5", INSTALL_COMMANDS["intel"]),
    ):
        yield _presence("libraries", subject, shared_libraries.find_library(stem), "", remedy)


def _presence(
    topic: str, subject: str, path: Path | str | None, meaning: str, remedy: str
) -> Finding:
    """Return a finding with the path of *subject*; if it is absent, with meaning and remedy."""
    if path is not None:
        return Finding(topic=topic, subject=subject, state=State.FINE, found=str(path))
    return Finding(
        topic=topic,
        subject=subject,
        state=State.LACKING,
        found="absent",
        meaning=meaning,
        remedy=remedy,
    )


def _software() -> Iterator[Finding]:
    """Yield the findings on programs, and on the versions of Python and of packages."""
    for subject, remedy, meaning in (
        ("numactl", "apt-get install numactl", "run_cpu binds cores with taskset, and no memory"),
        ("g++", "apt-get install g++", "inductor compiles C++"),
        ("mpiexec.hydra", "pip install 'pytest-traingate[distributed]'", "ipexrun needs it"),
    ):
        yield _presence(
            "programs", subject, shared_libraries.find_program(subject), meaning, remedy
        )
    yield Finding(
        topic="versions", subject="python", state=State.FINE, found=platform.python_version()
    )
    for name, remedy in _PACKAGES.items():
        version = packages.version(name)
        mismatch = packages.torch_mismatch(name) if name in _BOUND_TO_TORCH else None
        meaning, _, mismatch_remedy = (mismatch or "").partition(": ")
        yield Finding(
            topic="versions",
            subject=name,
            state=State.LACKING if version is None or mismatch else State.FINE,
            found=version or "absent",
            meaning=meaning or ("" if version else _NEEDED_BY.get(name, "")),
            remedy=remedy if version is None else mismatch_remedy,
        )


_PACKAGES = {
    "pytest-traingate": "pip install pytest-traingate",
    "pytest-benchmark": "pip install pytest-benchmark",
    "torch": "pip install torch",
    "torchvision": "pip install 'pytest-traingate[benchmarks]'",
    "intel-extension-for-pytorch": "pip install 'pytest-traingate[ipex]'",
    "torch-xla": "pip install 'pytest-traingate[xla]'",
}
"""Commands that install the packages whose versions are listed."""

_NEEDED_BY = {"torchvision": "the project's own benchmarks train its ResNets"}
"""Uses of packages that no layer needs."""

_BOUND_TO_TORCH = {"intel-extension-for-pytorch", "torch-xla", "torchvision"}
"""Packages whose binaries fit only one minor version of torch."""


def _layers() -> Iterator[Finding]:
    """Yield a finding for each layer: whether it can run here, and its caution."""
    for layer in _examples():
        options = ", ".join(str(value) for value in layer.options.values() if value)
        reason, caution = layer.unavailable(), layer.caution()
        obstacle, _, remedy = (reason or "").partition(": ")
        state = State.LACKING if obstacle else State.NOTE if caution else State.FINE
        yield Finding(
            topic="layers",
            subject=f"{layer.name}({options})" if options else layer.name,
            state=state,
            found=obstacle or "can run",
            meaning="" if obstacle else caution or "",
            remedy=remedy,
        )


def _examples() -> Iterator[Layer]:
    """Yield each layer with its defaults, and with choices that need further libraries."""
    yield layers.TunedRuntime()
    yield layers.TunedRuntime("tcmalloc", "intel")
    yield layers.TunedRuntime("jemalloc", "intel")
    yield layers.FlushDenormal()
    yield layers.BatchSize(1)
    yield layers.DataWorkers()
    yield layers.PrefetchingLoader()
    yield layers.ChannelsLast()
    yield layers.Bf16Autocast()
    yield layers.Float32Precision()
    yield layers.FusedOptimizer()
    yield layers.IpexOptimize()
    yield layers.DataParallel()
    yield layers.DataParallel("ipexrun")
    yield layers.TorchCompile()
    yield layers.TorchCompile("ipex")
    yield layers.CompiledStep()
    yield layers.XlaDevice()
