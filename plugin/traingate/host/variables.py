"""Select the environment variables that can change the speed of a training step.

The worker imports this module, so it imports the standard library, and modules of
traingate that do the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from traingate.host.shared_libraries import preload_names
from traingate.untrusted.masking import masked_variable

_STEERING_PREFIXES: Final = (
    # Threads, allocators, and the dynamic loader.
    "OMP_", "GOMP_", "KMP_", "LIBOMP_", "MALLOC_", "TCMALLOC_", "JEMALLOC_", "MIMALLOC_",
    "GLIBC_TUNABLES", "THP_", "LD_PRELOAD", "LD_BIND_", "I_MPI_", "CCL_", "GLOO_",
    # Kernels.
    "MKL_", "DNNL_", "ONEDNN_", "OPENBLAS_", "GOTO_", "BLIS_", "LIBXSMM_", "ACL_", "ATEN_",
    "TORCH", "PYTORCH_", "CAFFE2_", "INDUCTOR_", "AOT_INDUCTOR_", "TRITON_", "IPEX_", "XLA_",
    "PJRT_", "LRU_CACHE_CAPACITY", "NPY_", "NUMEXPR_", "NUMBA_",
    # The interpreter.
    "PYTHON",
)  # fmt: skip
"""Beginnings of names of variables that can change the speed of a step."""

_STEERING_NAMES: Final = {"CC", "CXX", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS"}
"""Whole names of such variables: those of the compilers of kernels."""

_NOT_STEERING: Final = re.compile(
    r".*(PATH|HOME|ROOT|_DIR|FILE|PREFIX|USERBASE|STARTUP|HISTORY|_SERVER|_PORT|_ADDR|_OUT)"
    r"|TORCHELASTIC_.*|PYTHON_(VERSION|SHA256|PIP|SETUPTOOLS|GET_PIP|MANAGER).*"
    r"|PYTHONHASHSEED|PYTHONUNBUFFERED|TORCH_WARM_POOL|GLOO_SOCKET_IFNAME"
    r"|PYTHONDONTWRITEBYTECODE|PYTHONIOENCODING|I_MPI_INFO_.*|I_MPI_HYDRA_.*|.*_(UUID|PID|FD)"
)
"""Names of variables that say where something is, which differ from launch to launch, that
describe an image or the machine, that steer no step, or that traingate sets itself in each launch.
Intel MPI gives each process group a new I_MPI_HYDRA_UUID."""


def steering_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Return those environment variables that can change the speed of a step, sorted by name.

    Args:
        variables: Environment variables of the process.

    Returns:
        Values by name, secrets masked. Preloaded libraries are there by the names of their files.
    """
    selection = {}
    for name, value in sorted(variables.items()):
        if name == "LD_PRELOAD":
            selection[name] = preload_names(value)
        elif _is_steering(name):
            selection[name] = masked_variable(name, value)
    return selection


def _is_steering(name: str) -> bool:
    """Return whether the variable of this name can change the speed of a step."""
    is_candidate = name in _STEERING_NAMES or name.startswith(_STEERING_PREFIXES)
    return is_candidate and not _NOT_STEERING.fullmatch(name)
