"""Versions, libraries and variables that the worker runs with."""

from __future__ import annotations

import os
import platform
from importlib import metadata

import torch

from traingate.host import shared_libraries
from traingate.protocol.json_values import JSON

_PACKAGES = ("torch", "torchvision", "numpy", "intel-extension-for-pytorch", "torch-xla")


def environment() -> dict[str, JSON]:
    """The worker's software: versions by package, threads, and variables that steer them."""
    found: dict[str, JSON] = {"python": platform.python_version()}
    installed = {
        item.name.lower().replace("_", "-"): item.version for item in metadata.distributions()
    }
    found.update((package, installed[package]) for package in _PACKAGES if package in installed)
    found["torch"] = torch.__version__  # with its build, such as +cpu
    found["threads"] = torch.get_num_threads()
    found["allocator"] = shared_libraries.allocator_name()
    found["openmp"] = shared_libraries.openmp_name()
    steering = ("OMP_", "GOMP_", "KMP_", "MKL_", "MALLOC_", "LD_PRELOAD", "DNNL_", "ONEDNN_")
    variables = {key: value for key, value in os.environ.items() if key.startswith(steering)}
    return {**found, "variables": dict(sorted(variables.items()))}
