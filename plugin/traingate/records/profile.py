"""Define the profile of a few steps: where their time goes, by phase, module and operator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct

from traingate.records.units import Count, Positive, Seconds

_KEPT_FUNCTIONS: Final = 20
"""Number of functions that a saved run keeps."""


class Cell(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Time of one operator in one module and phase.

    Attributes:
        phase: Phase of the step, as in ``Launch.phase_seconds``.
        module: Path of the module in the model, ``(model)`` for the model itself, ``(criterion)``
            for the criterion; empty outside of modules. Operators of backward are in the module of
            the forward operator that they belong to.
        operator: Name of the operator, such as ``aten::conv2d``; ``Python`` for the time between
            operators.
        inputs: Types, shapes and memory layouts of its tensors; empty if they are not kept.
        calls: Calls per step.
        seconds: Seconds per step in the operator itself, without the operators that it calls.
    """

    phase: str
    module: str
    operator: str
    inputs: str
    calls: float
    seconds: Seconds


class FunctionTime(Struct, frozen=True, forbid_unknown_fields=True):
    """Time of one Python function of the user's code.

    Attributes:
        place: File and line of the function, as ``models.py:12``.
        name: Name of the function.
        calls: Calls per step, or per sample.
        seconds: Seconds per step, or per sample, in the function and in the functions of libraries
            that it calls, without other functions of the user's code.
    """

    place: str
    name: str
    calls: float
    seconds: Seconds


class Reorder(Struct, frozen=True, forbid_unknown_fields=True):
    """Copies of a tensor into another memory layout, by oneDNN.

    Attributes:
        layouts: Layouts of source and destination, as oneDNN's verbose mode names them.
        shape: Shape of the tensor.
        calls: Number of copies in one step.
        seconds: Seconds of all of them. They are a part of the seconds of operators.
    """

    layouts: str
    shape: str
    calls: float
    seconds: Seconds


class NamedTime(Struct, frozen=True, forbid_unknown_fields=True):
    """Time that XLA keeps under a name, per step.

    Attributes:
        name: Name of the metric.
        calls: Number of events per step.
        seconds: Seconds per step.
    """

    name: str
    calls: float
    seconds: Seconds


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Profile of a few steps after the timed ones. The profiler slows them down.

    Attributes:
        steps: Number of profiled steps.
        step_seconds: Mean seconds of a profiled step.
        cells: Parts of that time.
        input_types: C++ types of each operator's tensors, such as ``float`` and ``c10::BFloat16``.
        module_types: Names of the modules' classes, by path.
        optimizers: Names of the optimizers' classes.
        is_compiled: True if Dynamo had compiled anything.
        functions: Python functions of the user's code, per step.
        sample_functions: Python functions of the user's code that fetch one sample, if data workers
            fetch them.
        threads: Number of threads of an operator; None if it was not recorded.
        page_faults: Minor page faults of one step; None if they were not counted.
        peak_bytes: Largest increase of the tensors' memory over the start of the step, in bytes, by
            phase.
        reorders: Copies into other memory layouts.
        xla_times: Times that XLA keeps.
    """

    steps: Count
    step_seconds: Positive
    cells: tuple[Cell, ...]
    input_types: dict[str, tuple[str, ...]] = {}
    module_types: dict[str, str] = {}
    optimizers: tuple[str, ...] = ()
    is_compiled: bool = False
    functions: tuple[FunctionTime, ...] = ()
    sample_functions: tuple[FunctionTime, ...] = ()
    threads: Count | None = None
    page_faults: Count | None = None
    peak_bytes: dict[str, Count] = {}
    reorders: tuple[Reorder, ...] = ()
    xla_times: tuple[NamedTime, ...] = ()


def mean_profile(profiles: Iterable[Profile]) -> Profile:
    """Return one profile of all steps of several profiles of the same training.

    Args:
        profiles: Profiles, at least one. Tables that only some of them have come from the last one
            that has them.
    """
    all_profiles = list(profiles)
    steps = sum(profile.steps for profile in all_profiles)
    totals: dict[tuple[str, str, str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    seconds = 0.0
    for profile in all_profiles:
        seconds += profile.step_seconds * profile.steps
        for cell in profile.cells:
            total = totals[cell.phase, cell.module, cell.operator, cell.inputs]
            total[0] += cell.calls * profile.steps
            total[1] += cell.seconds * profile.steps
    cells = [Cell(*key, calls / steps, time / steps) for key, (calls, time) in totals.items()]
    return msgspec.structs.replace(
        all_profiles[-1],
        steps=steps,
        step_seconds=seconds / steps,
        cells=tuple(sorted(cells, key=lambda cell: -cell.seconds)),
    )


def compact_profile(profile: Profile, cells: int) -> Profile:
    """Return a smaller profile for a saved run: with fewer cells, and without inputs.

    Reorders, and the times of XLA, are left out too.

    Args:
        profile: Profile to shorten.
        cells: Number of cells to keep. The shorter ones lose their module; no time and no call is
            lost.
    """
    totals: dict[tuple[str, str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for cell in profile.cells:
        total = totals[cell.phase, cell.module, cell.operator]
        total[0] += cell.calls
        total[1] += cell.seconds
    ordered = sorted(totals.items(), key=lambda item: -item[1][1])
    merged: dict[tuple[str, str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for number, ((phase, module, operator), (calls, seconds)) in enumerate(ordered):
        total = merged[phase, module if number < cells else "", operator]
        total[0] += calls
        total[1] += seconds
    kept = tuple(
        Cell(phase, module, operator, "", calls, seconds)
        for (phase, module, operator), (calls, seconds) in merged.items()
    )
    paths = {cell.module for cell in kept}
    types = {path: kind for path, kind in profile.module_types.items() if path in paths}
    return msgspec.structs.replace(
        profile,
        cells=kept,
        module_types=types,
        input_types={},
        functions=profile.functions[:_KEPT_FUNCTIONS],
        sample_functions=profile.sample_functions[:_KEPT_FUNCTIONS],
        reorders=(),
        xla_times=(),
    )
