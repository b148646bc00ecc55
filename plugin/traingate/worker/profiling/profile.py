"""Take further steps under the profilers, and put their tables together."""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch.profiler import ProfilerActivity, record_function
from torch.profiler import profile as torch_profile

from traingate.layers.training import Training
from traingate.protocol.json_values import JSON
from traingate.protocol.ranks import rank_place
from traingate.worker.counters import minor_page_faults
from traingate.worker.loop import Loop
from traingate.worker.profiling.compiled import (
    is_compiled,
    name_kernels,
    xla_times,
    xla_times_per_step,
)
from traingate.worker.profiling.functions import profile_functions, profile_samples
from traingate.worker.profiling.names import STEP
from traingate.worker.profiling.ranges import mark_end, modules_of, ranges_for
from traingate.worker.profiling.reorders import count_reorders
from traingate.worker.profiling.trace import Cell, Key, TraceTable, read_trace

_MAX_SAMPLES: Final = 8


@dataclass
class Profiler:
    """Profiler of one training.

    Attributes:
        training: Training to which all layers have been applied.
        loop: Its loop.
        step: Function that takes one step.
        tree: Folder that the places of functions are relative to.
    """

    training: Training
    loop: Loop
    step: Callable[[], object]
    tree: str
    _has_named_kernels: bool = False

    def profile(self, steps: int, trace: str, *, details: bool) -> dict[str, JSON]:
        """Take *steps* steps under torch's profiler, and return their table.

        Args:
            steps: Number of steps.
            trace: Path of the file for the compressed trace; empty for none.
            details: True to take a few more steps under other profilers, which slow them down:
                for the user's functions, the peak of memory, and the reorders of oneDNN; and to
                compile again, so that kernels have names.
        """
        compiled = is_compiled()
        if details and compiled and not self._has_named_kernels:
            name_kernels(self.step)
            self._has_named_kernels = True
        times = xla_times()
        table = self._trace(steps, trace)
        result: dict[str, JSON] = {
            "steps": table.steps,
            "step_seconds": table.microseconds / table.steps / 1e6,
            "cells": [_row(key, cell, table.steps) for key, cell in table.cells.items()],
            "input_types": {name: [*sorted(types)] for name, types in table.input_types.items()},
            "module_types": {
                path: type(module).__name__ for path, module in modules_of(self.training).items()
            },
            "optimizers": [type(optimizer).__name__ for optimizer in self.training.optimizers],
            "is_compiled": compiled,
            "threads": torch.get_num_threads(),
            "xla_times": [*xla_times_per_step(times, steps)],
        }
        return {**result, **self._details(steps)} if details else result

    def _details(self, steps: int) -> dict[str, JSON]:
        """Return the tables for which further steps are taken, each for itself."""
        functions: list[dict[str, JSON]] = []
        if not is_compiled():  # a compiler would compile again for a function that is profiled
            functions = profile_functions(self.step, steps, self.tree)
        samples: list[dict[str, JSON]] = []
        if self.training.loader_options.get("num_workers"):
            count = min(_MAX_SAMPLES, self.training.batch_size)
            samples = profile_samples(self.training.dataset, count, self.tree)
        page_faults = minor_page_faults()
        self.step()
        page_faults = minor_page_faults() - page_faults
        peak_bytes = self._trace(1, "", memory=True).peak_bytes
        return {
            "functions": [*functions],
            "sample_functions": [*samples],
            "page_faults": page_faults,
            "peak_bytes": dict(peak_bytes),
            "reorders": [*count_reorders(self.step)],
        }

    def _trace(self, steps: int, file: str, *, memory: bool = False) -> TraceTable:
        """Take steps under torch's profiler, and return what its trace says."""
        with ranges_for(self.training, is_compiled=is_compiled()), self.loop.marking(mark_end):
            with torch_profile(activities=[ProfilerActivity.CPU]):
                pass  # the first use of the profiler takes longer
            with torch_profile(
                activities=[ProfilerActivity.CPU], record_shapes=True, profile_memory=memory
            ) as profiler:
                for _ in range(steps):
                    with record_function(STEP):
                        self.step()
        with tempfile.TemporaryDirectory() as directory:
            trace = Path(directory) / "trace.json"
            profiler.export_chrome_trace(str(trace))
            if file:
                rank = rank_place().rank
                file = f"{file}.{rank}" if rank else file
                with trace.open("rb") as content, gzip.open(file, "wb") as compressed:
                    shutil.copyfileobj(content, compressed)
            return read_trace(_events(trace))


def _events(trace: Path) -> list[Mapping[str, Any]]:
    return json.loads(trace.read_text(errors="replace"))["traceEvents"]  # type: ignore[no-any-return]


def _row(key: Key, cell: Cell, steps: int) -> list[JSON]:
    """Return a cell as a list: its key, calls per step, and seconds per step."""
    return [*key, cell.calls / steps, cell.microseconds / steps / 1e6]
