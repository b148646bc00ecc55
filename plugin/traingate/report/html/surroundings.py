"""Prepare what surrounds a measurement: key figures, machine, software, and their differences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from traingate.baselines.comparability import environment_changes, hardware_differences
from traingate.records import Measurement
from traingate.report.html.chart import Table
from traingate.report.row import in_thousands, samples_per_second

_MEBIBYTE: Final = 2**20

_THREADS: Final = "threads"
"""Counter that says nothing about compilers, and stands among the key figures."""

_QUANTILES: Final = {"0.5": "median", "0.9": "90 %", "0.99": "99 %", "1": "slowest"}
"""Names of the quantiles of step times, by the fraction of steps that are faster."""


def key_figures(record: Measurement) -> Table:
    """Return the figures of one test, without those that are unknown.

    Args:
        record: Record of the test.
    """
    share = record.roofline_share
    growth = record.rss_growth_bytes_per_step
    quantiles = [
        f"{1000 * record.step_seconds_quantiles[fraction]:.4g} ({name})"
        for fraction, name in _QUANTILES.items()
        if fraction in record.step_seconds_quantiles
    ]
    per_step = 1000 * record.batch_size / record.samples_per_second
    rows = [
        ("throughput", f"{samples_per_second(record)} samples/s"),
        ("mean step", f"{per_step:.4g} ms at batch size {record.batch_size}"),
        ("step times, ms", ", ".join(quantiles)),
        ("first step", f"{record.first_step_seconds:.3g} s"),
        ("peak memory", f"{record.peak_memory_bytes / 2**30:.2f} GiB"),
        ("growth of memory", "" if growth is None else f"{growth / _MEBIBYTE:+.3g} MiB per step"),
        ("roofline", "" if share is None else f"{100 * share:.0f} % of the limit {_bound(record)}"),
        ("precision", record.precision),
        ("threads", str(record.counters.get(_THREADS, ""))),
        ("operations", _per_sample(record.flops_per_sample)),
        ("samples per dollar", _thousands(record.samples_per_dollar)),
        ("launches", f"{len(record.launches)} at scale {record.scale}"),
    ]
    return Table(("figure", "value"), [row for row in rows if row[1]], left=(0, 1))


def counter_table(record: Measurement) -> Table:
    """Return the counters of compilers and of data that are not 0, with the reasons for them.

    Args:
        record: Record of the test.
    """
    rows = [
        [name.replace("_", " "), str(count), "; ".join(record.reasons.get(name, ()))]
        for name, count in sorted(record.counters.items())
        if count and name != _THREADS
    ]
    return Table(("counter", "count", "reasons"), rows, left=(0, 2))


def machine_table(record: Measurement) -> Table:
    """Return the properties of the machine, and the software except for its packages.

    Args:
        record: Record of the test.
    """
    machine = record.machine
    rows = [
        ("processor", machine.cpu),
        ("architecture", machine.architecture),
        ("cores", str(machine.cores)),
        ("NUMA nodes", str(machine.numa_nodes)),
        ("instruction sets", " ".join(machine.instruction_sets)),
        ("memory", f"{machine.memory_bytes / 2**30:.1f} GiB"),
        ("environment", record.environment_name),
        ("yardstick", record.yardstick),
    ]
    rows += [
        (_title(name), str(value))
        for name, value in record.environment.items()
        if not isinstance(value, Mapping)
    ]
    return Table(("property", "value"), [row for row in rows if row[1]], left=(0, 1))


def software_lists(record: Measurement) -> list[tuple[str, Table]]:
    """Return the long lists of the environment, such as its packages, with their titles.

    Args:
        record: Record of the test.
    """
    return [
        (
            f"{_title(name)} ({len(values)})",
            Table(
                ("name", "value"), [[key, _value(values[key])] for key in sorted(values)], (0, 1)
            ),
        )
        for name, values in record.environment.items()
        if isinstance(values, Mapping) and values
    ]


def differences(record: Measurement, baseline: Measurement | None) -> list[str]:
    """Return the differences of machine and software from the other side, a line each.

    Args:
        record: Record of the test.
        baseline: Stored record that it was compared with; None if there is none. The sides of a
            duet are compared with each other.
    """
    if record.duet is not None:
        duet = record.duet
        return environment_changes(duet.base_environment, duet.candidate_environment)
    if baseline is None:
        return []
    return [
        *hardware_differences(baseline.machine, record.machine),
        *environment_changes(baseline.environment, record.environment),
    ]


def _title(name: str) -> str:
    return name.replace("_", " ")


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {text}" for key, text in value.items())
    return str(value)


def _bound(record: Measurement) -> str:
    names = {"compute": "by matrix products", "memory": "by memory bandwidth"}
    return names.get(record.bound, "by computation")


def _per_sample(flops: float | None) -> str:
    return "" if flops is None else f"{flops / 1e9:.4g} GFLOP per sample"


def _thousands(per_dollar: float | None) -> str:
    return f"{in_thousands(per_dollar)} thousand" if per_dollar is not None else ""
