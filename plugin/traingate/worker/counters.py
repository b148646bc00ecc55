"""Numbers of the worker that need no statistics: memory, page faults, compilations, and why."""

from __future__ import annotations

import logging
import os
import re
import resource
import sys
from pathlib import Path
from typing import Final

_STATUS = Path("/proc/self/status")


def peak_rss_bytes() -> int:
    """The largest resident memory of this process so far.

    Linux's ``VmHWM`` comes first: ``ru_maxrss`` survives exec, and would report the parent's.
    """
    try:
        lines = _STATUS.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def minor_page_faults() -> int:
    """Minor page faults of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def compilations() -> dict[str, int]:
    """What was compiled so far, by name; without the compilers that are not loaded.

    ``dynamo_graphs``: graphs compiled, ``dynamo_graph_breaks``: places where one was left,
    ``dynamo_frames``: frames that Dynamo looked at, with each recompilation,
    ``dynamo_recompiles``: the recompilations among them,
    ``inductor_kernels``: kernels generated (none when they come from the cache),
    ``xla_compilations``: graphs that XLA compiled, ``xla_fallbacks``: operators that it handed
    back to the CPU of torch.
    """
    return {**_dynamo_counts(), **_xla_counts()}


def late_compilations(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """What was compiled between two calls of ``compilations``: frames, and graphs of XLA."""
    return {
        name: after[name] - before.get(name, 0)
        for name in ("dynamo_frames", "xla_compilations")
        if name in after
    }


def _xla_counts() -> dict[str, int]:
    if "torch_xla" not in sys.modules:
        return {}
    from torch_xla.debug import metrics  # noqa: PLC0415 - only where XLA is loaded

    compiled = metrics.metric_data("CompileTime")
    return {
        "xla_compilations": 0 if compiled is None else int(compiled[0]),
        "xla_fallbacks": len(metrics.executed_fallback_ops()),
    }


def _dynamo_counts() -> dict[str, int]:
    if "torch._dynamo.utils" not in sys.modules:
        return {}
    import torch._dynamo.utils  # noqa: PLC0415 - never the first to load it

    counted = torch._dynamo.utils.counters
    found = {
        "dynamo_graphs": counted["stats"]["unique_graphs"],
        "dynamo_graph_breaks": len(_breaks.found),
        "dynamo_frames": counted["frames"]["total"],
        "dynamo_recompiles": len(_recompilations()),
    }
    if "torch._inductor.metrics" in sys.modules:
        import torch._inductor.metrics  # noqa: PLC0415

        found["inductor_kernels"] = torch._inductor.metrics.generated_kernel_count
    return found


def reasons() -> dict[str, list[str]]:
    """By name of a counter, why it is not 0: a line for each graph break, recompile, fallback."""
    found = {"dynamo_graph_breaks": sorted(_breaks.found), "dynamo_recompiles": _recompilations()}
    if "torch_xla" in sys.modules:
        from torch_xla.debug import metrics  # noqa: PLC0415 - only where XLA is loaded

        found["xla_fallbacks"] = sorted(metrics.executed_fallback_ops())
    return {name: lines for name, lines in found.items() if lines}


def _recompilations() -> list[str]:
    """A line for each frame that was compiled once more: where it is, and which guard failed."""
    if "torch._dynamo.utils" not in sys.modules:
        return []
    from torch._dynamo.utils import get_compilation_metrics  # noqa: PLC0415

    lines = []
    for metrics in get_compilation_metrics():
        why = getattr(metrics, "recompile_reason", None)
        if why:
            place = _place(metrics.co_filename or "?", metrics.co_firstlineno or 0)
            lines.append(f"{place} {metrics.co_name}: {why.splitlines()[0]}")
    return lines


def _place(file: str, line: int | str) -> str:
    inside = Path(file).is_relative_to(Path.cwd())
    return f"{os.path.relpath(file) if inside else Path(file).name}:{line}"


class _GraphBreaks(logging.Handler):
    """Notes each place at which Dynamo leaves a graph, or skips a whole function.

    ``torch._dynamo.utils.counters`` does not count a branch on data, and counts each place anew
    in a recompilation; the logs that ``TORCH_LOGS=graph_breaks`` shows have them all.
    """

    _LOGGERS: Final = (
        "torch._dynamo.symbolic_convert.__graph_breaks",
        "torch._dynamo.convert_frame.__graph_breaks",
    )
    _PLACES: Final = (
        re.compile(r"in user code at (.+):(\d+)\nGraph Break Reason: (.*)"),
        re.compile(r'File "(.+)", line (\d+)'),
    )

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: set[str] = set()

    def listen(self) -> None:
        """Listen from now on, if Dynamo is loaded: importing it sets its loggers up."""
        if "torch._dynamo.convert_frame" not in sys.modules:
            return
        for logger in map(logging.getLogger, self._LOGGERS):
            if self not in logger.handlers:
                logger.addHandler(self)
                logger.setLevel(logging.DEBUG)
                logger.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        """Note the place, and the first line of the reason."""
        told = record.getMessage()
        first = told.partition("\n")[0]
        for form in self._PLACES:
            found = form.search(told)
            if found is not None:
                file, line, *why = found.groups()
                self.found.add(f"{_place(file, line)}: {why[0] if why else first}")
                return
        self.found.add(f"?: {first}")


_breaks = _GraphBreaks()
listen_for_graph_breaks = _breaks.listen
