"""Read the worker's counters: memory, page faults, and compilations with their reasons."""

from __future__ import annotations

import logging
import os
import re
import resource
import sys
from pathlib import Path
from typing import Final

_STATUS = Path("/proc/self/status")

_MAX_REASON: Final = 2000
"""Largest number of characters of a reason: Dynamo shows the user's values in some of them."""


def peak_rss_bytes() -> int:
    """Return the largest resident set size of this process so far, in bytes.

    Linux's ``VmHWM`` is preferred (proc(5)): ``ru_maxrss`` survives exec, and may be the parent's.
    """
    try:
        lines = _STATUS.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def minor_page_faults() -> int:
    """Return the number of minor page faults of this process so far (getrusage(2))."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def compilations() -> dict[str, int]:
    """Return the numbers of compilations so far, by name, for the compilers that are loaded.

    Returns:
        ``dynamo_graphs``: compiled graphs; ``dynamo_graph_breaks``: places where Dynamo left a
        graph; ``dynamo_frames``: frames that Dynamo analysed, recompilations included;
        ``dynamo_recompiles``: recompilations; ``inductor_kernels``: generated kernels, without
        those from the cache; ``xla_compilations``: graphs that XLA compiled; ``xla_fallbacks``:
        operators that XLA left to torch's own CPU kernels.
    """
    return {**_dynamo_counts(), **_xla_counts()}


def late_compilations(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """Return the increase of Dynamo's frames and of XLA's graphs between two counts.

    Args:
        before: Result of the first call.
        after: Result of the second call.
    """
    return {
        name: after[name] - before.get(name, 0)
        for name in ("dynamo_frames", "xla_compilations")
        if name in after
    }


def _xla_counts() -> dict[str, int]:
    if "torch_xla" not in sys.modules:
        return {}
    from torch_xla.debug import metrics  # noqa: PLC0415 - only where XLA is loaded

    compile_metric = metrics.metric_data("CompileTime")
    return {
        "xla_compilations": 0 if compile_metric is None else int(compile_metric[0]),
        "xla_fallbacks": len(metrics.executed_fallback_ops()),
    }


def _dynamo_counts() -> dict[str, int]:
    if "torch._dynamo.utils" not in sys.modules:
        return {}
    import torch._dynamo.utils  # noqa: PLC0415 - must not be the first import of it

    dynamo_counters = torch._dynamo.utils.counters
    counts = {
        "dynamo_graphs": dynamo_counters["stats"]["unique_graphs"],
        "dynamo_graph_breaks": len(_breaks.descriptions),
        "dynamo_frames": dynamo_counters["frames"]["total"],
        "dynamo_recompiles": len(_recompilations()),
    }
    if "torch._inductor.metrics" in sys.modules:
        import torch._inductor.metrics  # noqa: PLC0415

        counts["inductor_kernels"] = torch._inductor.metrics.generated_kernel_count
    return counts


def reasons() -> dict[str, list[str]]:
    """Return the reasons for counters above 0, by counter: a line for each event."""
    lines_by_counter = {
        "dynamo_graph_breaks": sorted(_breaks.descriptions),
        "dynamo_recompiles": _recompilations(),
    }
    if "torch_xla" in sys.modules:
        from torch_xla.debug import metrics  # noqa: PLC0415 - only where XLA is loaded

        lines_by_counter["xla_fallbacks"] = sorted(metrics.executed_fallback_ops())
    return {
        name: [line[:_MAX_REASON] for line in lines]
        for name, lines in lines_by_counter.items()
        if lines
    }


def _recompilations() -> list[str]:
    """Return a line for each recompilation: the place of the frame, and the guard that failed."""
    if "torch._dynamo.utils" not in sys.modules:
        return []
    from torch._dynamo.utils import get_compilation_metrics  # noqa: PLC0415

    lines = []
    for metrics in get_compilation_metrics():
        reason = getattr(metrics, "recompile_reason", None)
        if reason:
            place = _location(metrics.co_filename or "?", metrics.co_firstlineno or 0)
            lines.append(f"{place} {metrics.co_name}: {reason.splitlines()[0]}")
    return lines


def _location(file: str, line: int | str) -> str:
    """Return ``file:line``, with the path relative to the working directory if it is inside."""
    is_inside = Path(file).is_relative_to(Path.cwd())
    return f"{os.path.relpath(file) if is_inside else Path(file).name}:{line}"


class _GraphBreaks(logging.Handler):
    """Logging handler that collects the places where Dynamo leaves a graph or skips a function.

    ``torch._dynamo.utils.counters`` omits branches that depend on data, and counts a place again
    in each recompilation. The log that ``TORCH_LOGS=graph_breaks`` shows has all of them.

    Attributes:
        descriptions: Place and reason of each graph break.
    """

    _LOGGERS: Final = (
        "torch._dynamo.symbolic_convert.__graph_breaks",
        "torch._dynamo.convert_frame.__graph_breaks",
    )
    _PATTERNS: Final = (
        re.compile(
            r"in user code at (.+):(\d+)\nGraph Break Reason: "
            r"(?:Encountered graph break .*\n\n)?(.*)"  # before the reason, in newer torch
        ),
        re.compile(r'File "(.+)", line (\d+)'),
    )

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.descriptions: set[str] = set()

    def listen(self) -> None:
        """Start to collect, if Dynamo is loaded; its import sets up its loggers."""
        if "torch._dynamo.convert_frame" not in sys.modules:
            return
        for logger in map(logging.getLogger, self._LOGGERS):
            if self not in logger.handlers:
                logger.addHandler(self)
                logger.setLevel(logging.DEBUG)
                logger.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        """Add the place, and the first line of the reason."""
        message = record.getMessage()
        first_line = message.partition("\n")[0]
        for pattern in self._PATTERNS:
            match = pattern.search(message)
            if match is not None:
                file, line, *reason = match.groups()
                self.descriptions.add(
                    f"{_location(file, line)}: {reason[0] if reason else first_line}"
                )
                return
        self.descriptions.add(f"?: {first_line}")


_breaks = _GraphBreaks()
listen_for_graph_breaks = _breaks.listen
