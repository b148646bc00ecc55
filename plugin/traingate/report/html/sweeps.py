"""Find sweeps: tests of one workload whose stacks differ only in one number of one layer."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from traingate.records import LayerRecord, Measurement, stack_label
from traingate.report.html.chart import Chart, Table, count_of, significant, significant_list
from traingate.report.html.ladder import workload_name
from traingate.report.row import environment

_MIN_POINTS: Final = 2
_LARGEST_NUMBER: Final = 1e12
"""Number from which on an option is no size or count that anybody would draw an axis for."""

_LOGARITHMIC_FROM: Final = 8
"""Ratio of the largest to the smallest number, from which on the axis is logarithmic."""


class _Option(NamedTuple):
    """Numeric option of a layer, in a workload on a machine."""

    workload: str
    scale: str
    cpu: str
    cores: int
    name: str


class _Rest(NamedTuple):
    """All of a stack that a sweep keeps the same."""

    environment: str
    stack: str
    label: str


@dataclass(frozen=True)
class Sweep:
    """Curves of one workload over one number.

    Attributes:
        title: Name of the number and of the workload.
        subtitle: Scale of the tests.
        chart: Throughput over the number, a line for each of the stacks that have it.
    """

    title: str
    subtitle: str
    chart: Chart


def sweeps(measurements: Mapping[str, Measurement]) -> list[Sweep]:
    """Return the sweeps among some tests.

    Args:
        measurements: Records by the full name of their test.
    """
    curves: dict[_Option, dict[_Rest, dict[float, Measurement]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for record in measurements.values():
        for index, layer in enumerate(record.stack):
            for option, value in layer.options.items():
                if type(value) in {int, float} and abs(value) < _LARGEST_NUMBER:
                    key = _key(record, layer, option)
                    curves[key][_rest(record, index, option)][value] = record
    result = []
    for key, by_rest in curves.items():
        drawn = {
            rest: dict(sorted(curve.items()))
            for rest, curve in by_rest.items()
            if len(curve) >= _MIN_POINTS
        }
        if drawn:
            result.append(_sweep(key, drawn))
    return result


def _key(record: Measurement, layer: LayerRecord, option: str) -> _Option:
    name = layer.name if len(layer.options) == 1 else f"{layer.name}, {option}"
    machine = record.machine
    return _Option(record.workload, record.scale, machine.cpu, machine.cores, name)


def _rest(record: Measurement, index: int, option: str) -> _Rest:
    """Return a stack without one option of one of its layers."""
    layer = record.stack[index]
    others = {name: value for name, value in layer.options.items() if name != option}
    same = [*record.stack]
    same[index] = LayerRecord(layer.name, others)
    visible = [other for other in same if other.options or other.name != layer.name]
    names = [stack_label(visible) if visible else "no other layer", environment(record)]
    label = ", ".join(filter(None, names))
    others_as_text = json.dumps([[other.name, other.options] for other in same], sort_keys=True)
    return _Rest(record.environment_name, others_as_text, label)


def _sweep(key: _Option, curves: Mapping[_Rest, Mapping[float, Measurement]]) -> Sweep:
    numbers = sorted({number for curve in curves.values() for number in curve})
    data = []
    rows = []
    for rest, curve in curves.items():
        records = curve.values()
        intervals = [record.samples_per_second_interval for record in records]
        data.append(
            {
                "label": rest.label,
                "x": list(curve),
                "y": significant_list(record.samples_per_second for record in records),
                "low": [significant(interval and interval[0]) for interval in intervals],
                "high": [significant(interval and interval[1]) for interval in intervals],
            }
        )
        for number, record in curve.items():
            low, high = record.samples_per_second_interval or (None, None)
            ends = ["" if end is None else f"{end:.4g}" for end in (low, high)]
            rows.append([rest.label, f"{number:g}", f"{record.samples_per_second:.4g}", *ends])
    is_logarithmic = numbers[0] > 0 and numbers[-1] / numbers[0] >= _LOGARITHMIC_FROM
    first = next(iter(next(iter(curves.values())).values()))
    return Sweep(
        title=f"{workload_name(first)}: {key.name}",
        subtitle=f"scale {key.scale}",
        chart=Chart(
            kind="sweep",
            label=_label(key, curves),
            data={"name": key.name, "curves": data, "is_logarithmic": is_logarithmic},
            table=Table(("stack", key.name, "samples/s", "lower", "upper"), rows),
            height=300,
        ),
    )


def _label(key: _Option, curves: Mapping[_Rest, Mapping[float, Measurement]]) -> str:
    texts = []
    for rest, curve in curves.items():
        best, record = max(curve.items(), key=lambda item: item[1].samples_per_second)
        points = count_of(len(curve), "value")
        texts.append(f"{rest.label}: {points}, best {record.samples_per_second:.4g} at {best:g}")
    return f"Samples per second over {key.name}. " + "; ".join(texts)
