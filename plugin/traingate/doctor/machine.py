"""Examine the processor, its clock, other work that competes for it, and memory."""

from __future__ import annotations

import os
from collections.abc import Iterator

from traingate.doctor.finding import Finding, State, presence
from traingate.host import cpu, noise, shared_libraries
from traingate.host.hardware import hardware
from traingate.layers.runtime import INSTALL_COMMANDS

_NOISY_STEAL_SHARE = 0.005
"""Share of CPU time above which steal time is reported as noise."""


def examine_machine() -> Iterator[Finding]:
    """Yield all findings on the machine."""
    yield from _processor()
    yield from _clock()
    yield from _noise()
    yield from _memory()


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
        ("mimalloc", "mimalloc", INSTALL_COMMANDS["mimalloc"]),
        ("Intel OpenMP", "iomp5", INSTALL_COMMANDS["intel"]),
    ):
        yield presence("libraries", subject, shared_libraries.find_library(stem), "", remedy)
