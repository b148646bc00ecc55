"""Read where the time of a step goes from a trace of torch's profiler. Pure.

The trace is the one that ``torch.profiler.profile.export_chrome_trace`` writes. An operator belongs
to the module whose range is around it. An operator of backward belongs to the module of the forward
operator with its sequence number, by which autograd connects them
(``torch/csrc/autograd/function.h``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from traingate.worker.profiling.names import MODULE_PREFIX, PHASE_PREFIX, STEP

PYTHON: Final = "Python"
"""Name of the time in a step, or in a module's call, that is in none of its operators."""

_BACKWARD_PREFIX: Final = "autograd::engine::evaluate_function: "
_CATEGORIES: Final = frozenset({"cpu_op", "user_annotation"})
_NO_TENSORS: Final = frozenset({"", "Scalar", "ScalarList", "GenericList", "TensorList"})
_LAST_PHASE: Final = "other"

Key = tuple[str, str, str, str]
"""Phase, path of the module, name of the operator, and description of its inputs."""


@dataclass
class Cell:
    """Time of one operator in one module.

    Attributes:
        calls: Number of calls.
        microseconds: Time in the operator itself, without the operators that it calls.
    """

    calls: int = 0
    microseconds: float = 0.0


@dataclass
class TraceTable:
    """Time of the profiled steps by phase, module, operator and inputs.

    Attributes:
        steps: Number of steps.
        microseconds: Time of all steps together.
        cells: Parts of that time; they add up to it, but for the marks of the profile itself.
        input_types: C++ types of each operator's tensors, such as ``float``.
        peak_bytes: Largest increase of the tensors' memory over the start of the step, by phase;
            empty if the trace has no events of memory.
    """

    steps: int = 0
    microseconds: float = 0.0
    cells: dict[Key, Cell] = field(default_factory=lambda: defaultdict(Cell))
    input_types: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    peak_bytes: dict[str, int] = field(default_factory=dict)


def read_trace(events: Iterable[Mapping[str, Any]]) -> TraceTable:
    """Return the time of the steps in a trace.

    Args:
        events: Events of the trace, its ``traceEvents``.

    Raises:
        ValueError: If the trace has no step.
    """
    events = list(events)
    ranges = [event for event in events if event.get("cat") in _CATEGORIES and "dur" in event]
    threads = {event["tid"] for event in ranges if event["name"] == STEP}
    if not threads:
        raise ValueError("the trace has no step")
    main_thread = [event for event in ranges if event["tid"] in threads]
    table = TraceTable()
    for step in _trees(main_thread):
        if step.name == STEP:
            _add_step(table, step)
            _add_memory(table, step, events)
    return table


@dataclass
class _Range:
    """Event of the trace with the events inside of it. Times are in microseconds."""

    name: str
    start: float
    end: float
    arguments: Mapping[str, Any]
    is_operator: bool
    children: list[_Range] = field(default_factory=list)

    @property
    def self_microseconds(self) -> float:
        inside = sum(child.end - child.start for child in self.children)
        return max(0.0, self.end - self.start - inside)

    def descendants(self) -> Iterator[_Range]:
        for child in self.children:
            yield child
            yield from child.descendants()


def _trees(events: Iterable[Mapping[str, Any]]) -> list[_Range]:
    """Return the outermost ranges of one thread, with the others inside of them."""
    ordered = sorted(events, key=lambda event: (float(event["ts"]), -float(event["dur"])))
    outermost: list[_Range] = []
    open_ranges: list[_Range] = []
    for event in ordered:
        start = float(event["ts"])
        current = _Range(
            event["name"],
            start,
            start + float(event["dur"]),
            event.get("args", {}),
            event["cat"] == "cpu_op",
        )
        while open_ranges and open_ranges[-1].end <= start:
            open_ranges.pop()
        siblings = open_ranges[-1].children if open_ranges else outermost
        siblings.append(current)
        open_ranges.append(current)
    return outermost


class _Phases:
    """Phases of one step, whose ends are marked."""

    def __init__(self, step: _Range) -> None:
        marks = (each for each in step.descendants() if each.name.startswith(PHASE_PREFIX))
        self._ends = [(mark.start, mark.name.removeprefix(PHASE_PREFIX)) for mark in marks]

    def at(self, time: float) -> str:
        """Return the phase at a time."""
        return next((phase for end, phase in self._ends if time <= end), _LAST_PHASE)

    def split(self, start: float, end: float) -> Iterator[tuple[str, float]]:
        """Yield the phases between two times, with the time in each."""
        for mark, phase in self._ends:
            if start < mark:
                yield phase, min(end, mark) - start
                start = mark
            if start >= end:
                return
        yield _LAST_PHASE, end - start


def _add_step(table: TraceTable, step: _Range) -> None:
    """Add the time of one step to the table."""
    table.steps += 1
    table.microseconds += step.end - step.start
    phases = _Phases(step)
    modules = _forward_modules(step)

    def add(current: _Range, module: str) -> None:
        name = current.name
        if name.startswith(PHASE_PREFIX):
            return
        if name.startswith(MODULE_PREFIX):
            module = name.removeprefix(MODULE_PREFIX)
        elif name.startswith(_BACKWARD_PREFIX):
            module = modules.get(_sequence_number(current), module)
        if name == STEP or name.startswith(MODULE_PREFIX):
            _add_gaps(table, current, module, phases)
        else:
            inputs = _describe_inputs(current.arguments)
            cell = table.cells[phases.at(current.start), module, name, inputs]
            cell.calls += 1
            cell.microseconds += current.self_microseconds
            table.input_types[name] |= _tensor_types(current.arguments)
        for child in current.children:
            add(child, module)

    add(step, "")


def _add_gaps(table: TraceTable, current: _Range, module: str, phases: _Phases) -> None:
    """Add the time of a range that is in none of the ranges inside of it, as time of Python."""
    start = current.start
    for child in [*current.children, None]:
        end = current.end if child is None else child.start
        for phase, microseconds in phases.split(start, end):
            table.cells[phase, module, PYTHON, ""].microseconds += max(0.0, microseconds)
        if child is not None:
            start = child.end
    if current.name != STEP:
        table.cells[phases.at(current.start), module, PYTHON, ""].calls += 1


def _forward_modules(step: _Range) -> dict[int | None, str]:
    """Return the module of each sequence number of autograd.

    Operators that autograd does not record carry the number of the next one that it does, so the
    last operator with a number is the right one.
    """
    modules: dict[int | None, str] = {}

    def visit(current: _Range, module: str) -> None:
        if current.name.startswith(_BACKWARD_PREFIX):
            return
        if current.name.startswith(MODULE_PREFIX):
            module = current.name.removeprefix(MODULE_PREFIX)
        number = _sequence_number(current)
        if number is not None and current.is_operator:
            modules[number] = module
        for child in current.children:
            visit(child, module)

    visit(step, "")
    return modules


def _sequence_number(current: _Range) -> int | None:
    number = current.arguments.get("Sequence number")
    return number if isinstance(number, int) else None


def _tensor_types(arguments: Mapping[str, Any]) -> set[str]:
    types = arguments.get("Input type", [])
    return {kind for kind in types if isinstance(kind, str) and kind not in _NO_TENSORS}


def _describe_inputs(arguments: Mapping[str, Any]) -> str:
    """Return types, shapes and memory layouts of the tensors that an operator was given."""
    types = arguments.get("Input type", [])
    shapes = arguments.get("Input Dims", [])
    strides = arguments.get("Input Strides", [[]] * len(shapes))
    return ", ".join(
        f"{kind}{shape}{_layout(shape, stride)}"
        for kind, shape, stride in zip(types, shapes, strides, strict=False)
        if isinstance(kind, str) and kind not in _NO_TENSORS and shape
    )


def _layout(shape: Sequence[int], strides: Sequence[int]) -> str:
    """Return the memory layout of a tensor in words, empty if it is contiguous or unknown."""
    sized = [(size, stride) for size, stride in zip(shape, strides, strict=False) if size > 1]
    if len(strides) != len(shape) or _is_dense(sized):
        return ""
    if len(shape) > 3 and _is_dense(  # noqa: PLR2004 - batch, channels and two of space
        [pair for pair in [(shape[0], strides[0]), *zip(shape[2:], strides[2:], strict=False),
                           (shape[1], strides[1])] if pair[0] > 1]
    ):  # fmt: skip
        return " channels_last"
    return " strided"


def _is_dense(sized: Sequence[tuple[int, int]]) -> bool:
    """Return whether these sizes and strides, in this order, leave no gap in memory."""
    expected = 1
    for size, stride in reversed(sized):
        if stride != expected:
            return False
        expected *= size
    return True


def _add_memory(table: TraceTable, step: _Range, events: Iterable[Mapping[str, Any]]) -> None:
    """Add the largest increase of the tensors' memory in each phase of one step."""
    phases = _Phases(step)
    first_bytes: int | None = None
    for event in events:
        arguments = event.get("args", {})
        is_of_cpu = event.get("name") == "[memory]" and arguments.get("Device Type") == 0
        if not is_of_cpu or not step.start <= float(event["ts"]) <= step.end:
            continue
        total = int(arguments.get("Total Allocated", 0))
        if first_bytes is None:
            first_bytes = total - int(arguments.get("Bytes", 0))
        phase = phases.at(float(event["ts"]))
        increase = max(0, total - first_bytes)
        table.peak_bytes[phase] = max(table.peak_bytes.get(phase, 0), increase)
