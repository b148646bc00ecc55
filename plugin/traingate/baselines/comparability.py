"""Compare the hardware and the software of two measurements, to decide if they are comparable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from traingate.records import Hardware

_TITLES: Final = {
    "cpu": "CPU",
    "architecture": "architecture",
    "cores": "cores",
    "numa_nodes": "NUMA nodes",
    "instruction_sets": "instruction sets",
}
"""Fields of Hardware that must be equal before step times are compared, with their titles."""


def environment_changes(stored: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """Return the differences in software and settings between the workers of two measurements.

    Args:
        stored: ``Measurement.environment`` of the stored measurement, or of a duet's base.
        current: Environment of the current measurement, or of a duet's candidate.

    Returns:
        A line for each difference, such as ``torch: 2.8.0 there, 2.9.0 here``.
    """
    old, new = (_settings(environment) for environment in (stored, current))
    return [
        f"{name}: {old.get(name, 'unset')} there, {new.get(name, 'unset')} here"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def _settings(environment: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of an environment by name, each variable under its own name."""
    # Variables are added one by one below. Steadying is compared by its effect, which the
    # variables and the allocator show, and not by what was requested.
    other_keys = ("variables", "steady", "steadying")
    software = {name: value for name, value in environment.items() if name not in other_keys}
    values = {**software, **environment.get("variables", {})}
    return {name: str(value) for name, value in values.items() if value is not None}


def hardware_differences(stored: Hardware, current: Hardware) -> list[str]:
    """Return the differences that make the step times of two machines incomparable.

    Args:
        stored: Machine of the stored measurement.
        current: Machine of the current measurement.

    Returns:
        A line for each difference, such as ``cores: 8 there, 2 here``; empty if there is none.
    """
    lines = []
    for field, title in _TITLES.items():
        old, new = getattr(stored, field), getattr(current, field)
        if old == new:
            continue
        if isinstance(old, tuple):
            only_old = " ".join(sorted(set(old) - set(new))) or "none"
            only_new = " ".join(sorted(set(new) - set(old))) or "none"
            lines.append(f"{title}: only there {only_old}, only here {only_new}")
        else:
            lines.append(f"{title}: {old} there, {new} here")
    return lines
