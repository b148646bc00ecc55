"""Examine programs, and the versions of Python and of packages."""

from __future__ import annotations

import platform
from collections.abc import Iterator

from traingate.doctor.finding import Finding, State, presence
from traingate.host import packages, shared_libraries


def examine_software() -> Iterator[Finding]:
    """Yield the findings on programs, and on the versions of Python and of packages."""
    for subject, remedy, meaning in (
        ("numactl", "apt-get install numactl", "run_cpu binds cores with taskset, and no memory"),
        ("g++", "apt-get install g++", "inductor compiles C++"),
        ("mpiexec.hydra", "pip install 'pytest-traingate[distributed]'", "ipexrun needs it"),
    ):
        yield presence("programs", subject, shared_libraries.find_program(subject), meaning, remedy)
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
    yield from _ended_projects()


_ENDED = (
    (
        "Intel Extension for PyTorch",
        "archived on 30 March 2026; last release 2.8.0, for torch 2.8",
        "most of it is part of torch now: channels_last, bf16_autocast, fused_optimizer and "
        "torch_compile succeed ipex_optimize",
    ),
    (
        "PyTorch/XLA",
        "no release after 2.9.0, for torch 2.9, and no commit since December 2025",
        "on CPUs, torch_compile and compiled_step succeed xla_device",
    ),
    (
        "oneCCL bindings for PyTorch",
        "development ended with 2.8, announced on 10 October 2025",
        "torch has collectives for Intel's GPUs itself (XCCL); on CPUs, gloo succeeds ccl, and "
        "data_parallel uses it",
    ),
)
"""Projects that have ended, when, and what succeeds them.

Sources: issue 867 and the archive notice of intel/intel-extension-for-pytorch, issue 9752 of
pytorch/xla, issue 80 of intel/torch-ccl, all on GitHub.
"""


def _ended_projects() -> Iterator[Finding]:
    """Yield a finding for each project that has ended and that a layer needs."""
    for subject, found, meaning in _ENDED:
        yield Finding(
            topic="ended projects", subject=subject, state=State.NOTE, found=found, meaning=meaning
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
