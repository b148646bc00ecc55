"""What this machine has and lacks for each layer, what that means, and what would mend it.

Looks only: nothing is measured, and torch is not imported.
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
from traingate.layers.runtime import INSTALL

_NOISY_STEAL = 0.005


class State(str, Enum):
    """How a point stands."""

    FINE = "fine"
    NOTE = "note"
    LACKING = "lacking"


class Finding(Struct, frozen=True, kw_only=True):
    """One point.

    Attributes:
        topic: the group it belongs to.
        subject: what was looked at.
        state: how it stands.
        found: what is there.
        meaning: what follows for measurements; empty where nothing does.
        remedy: the command that would mend it; empty where there is none.
    """

    topic: str
    subject: str
    state: State
    found: str
    meaning: str = ""
    remedy: str = ""


def examine() -> list[Finding]:
    """All findings on this machine, topic by topic."""
    return [*_processor(), *_clock(), *_noise(), *_memory(), *_software(), *_layers()]


def _processor() -> Iterator[Finding]:
    machine, flags = hardware(), cpu.instruction_sets()
    yield Finding(topic="processor", subject="model", state=State.FINE, found=machine.cpu)
    for subject, wanted, meaning in (
        ("AVX-512", {"avx512f"}, "fp32 convolutions run at half the width"),
        (
            "AVX512_BF16",
            {"avx512_bf16"},
            "" if "amx_bf16" in flags else "bf16 is emulated: right, and slower than fp32",
        ),
        ("AMX", {"amx_bf16", "amx_tile"}, "no matrix unit: bf16 may gain nothing over fp32"),
        ("VNNI", {"avx512_vnni", "avx_vnni"}, "int8 is not accelerated; training seldom needs it"),
    ):
        there = sorted(wanted & flags)
        yield Finding(
            topic="processor",
            subject=subject,
            state=State.FINE if there else State.NOTE,
            found=" ".join(there) or "absent",
            meaning="" if there else meaning,
        )
    yield from _cores()


def _cores() -> Iterator[Finding]:
    usable, present = cpu.core_count(), os.cpu_count() or 1
    yield Finding(
        topic="processor",
        subject="cores",
        state=State.FINE if usable == present else State.NOTE,
        found=f"{usable} of {present} after affinity and cgroup quota",
        meaning="" if usable == present else "only runs with the same number are comparable",
    )
    nodes = cpu.numa_nodes()
    yield Finding(
        topic="processor",
        subject="NUMA nodes",
        state=State.FINE,
        found=str(len(nodes)),
        meaning=f"data_parallel starts {len(nodes)} rank(s) by default",
    )
    threads = noise.smt()
    physical = len(cpu.physical_cores())
    yield Finding(
        topic="processor",
        subject="SMT",
        state=State.FINE if not threads else State.NOTE,
        found={None: "not told", True: f"on, {physical} physical cores", False: "off"}[threads],
        meaning="two threads share a core's vector units: tuned_runtime uses one"
        if threads
        else "",
    )


def _clock() -> Iterator[Finding]:
    governor = noise.governor()
    steady = governor in {None, "performance"}
    yield Finding(
        topic="steadiness",
        subject="governor",
        state=State.FINE if steady else State.NOTE,
        found=governor or "not told",
        meaning="" if steady else "the clock rate follows the load",
        remedy="" if steady else "sudo cpupower frequency-set --governor performance",
    )
    turbo = noise.turbo()
    yield Finding(
        topic="steadiness",
        subject="turbo",
        state=State.NOTE if turbo else State.FINE,
        found={None: "not told", True: "on", False: "off"}[turbo],
        meaning="the clock rate follows temperature and neighbours" if turbo else "",
        remedy=noise.turbo_off() if turbo else "",
    )


def _noise() -> Iterator[Finding]:
    virtual = "hypervisor" in cpu.instruction_sets()
    yield Finding(
        topic="steadiness",
        subject="virtual machine",
        state=State.NOTE if virtual else State.FINE,
        found="yes" if virtual else "no",
        meaning="neighbours come and go: trust ratios, not times" if virtual else "",
    )
    stolen = noise.steal_share()
    noisy = stolen is not None and stolen > _NOISY_STEAL
    yield Finding(
        topic="steadiness",
        subject="steal time",
        state=State.NOTE if noisy else State.FINE,
        found="not told" if stolen is None else f"{stolen:.1%} of the last second",
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
    total = hardware().memory_bytes
    yield Finding(
        topic="memory", subject="physical", state=State.FINE, found=f"{total / 2**30:.1f} GiB"
    )
    pages = noise.transparent_huge_pages()
    yield Finding(
        topic="memory",
        subject="transparent huge pages",
        state=State.NOTE if pages == "never" else State.FINE,
        found=pages or "not told",
        meaning="large tensors cost more page faults" if pages == "never" else "",
        remedy=(
            "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled"
            if pages == "never"
            else ""
        ),
    )
    for subject, stem, remedy in (
        ("tcmalloc", "tcmalloc", INSTALL["tcmalloc"]),
        ("jemalloc", "jemalloc", INSTALL["jemalloc"]),
        ("Intel OpenMP", "iomp5", INSTALL["intel"]),
    ):
        yield _presence("libraries", subject, shared_libraries.find_library(stem), "", remedy)


def _presence(
    topic: str, subject: str, path: Path | str | None, meaning: str, remedy: str
) -> Finding:
    """Where something is; or that it is absent, with what follows and what would mend it."""
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
        wrong = packages.torch_mismatch(name) if name in _BOUND_TO_TORCH else None
        meaning, _, mending = (wrong or "").partition(": ")
        yield Finding(
            topic="versions",
            subject=name,
            state=State.LACKING if version is None or wrong else State.FINE,
            found=version or "absent",
            meaning=meaning,
            remedy=remedy if version is None else mending,
        )


_PACKAGES = {
    "pytest-traingate": "pip install pytest-traingate",
    "pytest-benchmark": "pip install pytest-benchmark",
    "torch": "pip install torch",
    "torchvision": "pip install torchvision",
    "intel-extension-for-pytorch": "pip install 'pytest-traingate[ipex]'",
    "torch-xla": "pip install 'pytest-traingate[xla]'",
}
_BOUND_TO_TORCH = {"intel-extension-for-pytorch", "torch-xla", "torchvision"}
"""Their binaries fit one minor version of torch."""


def _layers() -> Iterator[Finding]:
    for layer in _examples():
        options = ", ".join(str(value) for value in layer.options.values() if value)
        reason, caution = layer.unavailable(), layer.caution()
        lack, _, remedy = (reason or "").partition(": ")
        state = State.LACKING if lack else State.NOTE if caution else State.FINE
        yield Finding(
            topic="layers",
            subject=f"{layer.name}({options})" if options else layer.name,
            state=state,
            found=lack or "can run",
            meaning="" if lack else caution or "",
            remedy=remedy,
        )


def _examples() -> Iterator[Layer]:
    """Every layer as it is by default, and in each other way that can lack something."""
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
