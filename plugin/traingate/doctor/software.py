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
