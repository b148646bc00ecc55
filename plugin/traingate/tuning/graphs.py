"""Tell which candidates of a race compile, and which of them compile the same graph."""

from __future__ import annotations

import json
from typing import Final

from traingate.layers.stack import Stack

_COMPILERS: Final = frozenset({"torch_compile", "compiled_step", "xla_device"})
"""Layers that compile in the first step. Those of a user's own are not known to."""

_PROCESS_LAYERS: Final = frozenset({"huge_pages", "data_workers", "prefetching_loader"})
"""Layers that leave the graph as it is."""

_CORES: Final = ("cores", "node", "hyperthreads")
"""Options of ``tuned_runtime`` that change the number of threads, and so the compiled code."""


def graph_of(stack: Stack, environment: str | None) -> str:
    """Return a name for the graph that a stack compiles; empty if it compiles none.

    Args:
        stack: Layers of the candidate.
        environment: Name of the environment that it asks for.
    """
    if not stack.names & _COMPILERS:
        return ""
    layers = []
    for layer in stack.layers:
        options = dict(layer.options)
        if layer.name == "tuned_runtime":
            options = {name: options.get(name) for name in _CORES}
        if layer.name not in _PROCESS_LAYERS:
            layers.append([layer.name, options])
    return json.dumps([environment, layers], sort_keys=True, default=str)
