"""Count the reorders of oneDNN: copies of a tensor into another memory layout."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import torch

from traingate.protocol.json_values import JSON
from traingate.worker.profiling.onednn_log import parse_reorders


def count_reorders(step: Callable[[], object]) -> list[dict[str, JSON]]:
    """Take one step with oneDNN's verbose mode, and return its reorders.

    Returns:
        For each kind of reorder its ``layouts`` and ``shape``, its ``calls`` and ``seconds``, the
        most expensive first. These seconds are parts of those of operators.
    """
    mkldnn: Any = torch.backends.mkldnn  # its stubs have no types
    if not mkldnn.is_available():
        return []
    verbose = mkldnn.verbose(mkldnn.VERBOSE_ON)
    with tempfile.TemporaryFile() as log:
        sys.stdout.flush()
        original = os.dup(1)
        os.dup2(log.fileno(), 1)
        try:
            with verbose:
                step()
        finally:
            os.dup2(original, 1)
            os.close(original)
        log.seek(0)
        lines = log.read().decode(errors="replace").splitlines()
    return parse_reorders(lines)
