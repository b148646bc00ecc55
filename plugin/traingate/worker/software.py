"""Report the software of the worker: versions, libraries, and variables that configure them."""

from __future__ import annotations

import os
import platform
from importlib import metadata

import torch

from traingate.host import shared_libraries
from traingate.protocol.json_values import JSON

_PACKAGES = ("torch", "torchvision", "numpy", "intel-extension-for-pytorch", "torch-xla")


def environment() -> dict[str, JSON]:
    """Return the worker's software and settings for the record.

    Returns:
        Versions by package, the number of threads, the libraries that serve ``malloc`` and OpenMP,
        and under ``variables`` the environment variables that steer them.
    """
    facts: dict[str, JSON] = {"python": platform.python_version()}
    versions = {
        item.name.lower().replace("_", "-"): item.version for item in metadata.distributions()
    }
    facts.update((package, versions[package]) for package in _PACKAGES if package in versions)
    facts["torch"] = torch.__version__  # with its build, such as +cpu
    facts["threads"] = torch.get_num_threads()
    facts["allocator"] = shared_libraries.allocator_name()
    facts["openmp"] = shared_libraries.openmp_name()
    prefixes = ("OMP_", "GOMP_", "KMP_", "MKL_", "MALLOC_", "LD_PRELOAD", "DNNL_", "ONEDNN_")
    variables = {key: value for key, value in os.environ.items() if key.startswith(prefixes)}
    return {**facts, "variables": dict(sorted(variables.items()))}
