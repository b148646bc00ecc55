"""The machine's fingerprint, and whether two measurements can be compared at all."""

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
"""What has to agree before step times are compared, as a message calls it."""


def environment_changes(stored: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """How two workers' software and settings differ.

    Args:
        stored: ``Measurement.environment`` of the one.
        now: of the other.

    Returns:
        A line for each difference, such as ``torch: 2.8.0 there, 2.9.0 here``.
    """
    there, here = (_flat(environment) for environment in (stored, now))
    return [
        f"{name}: {there.get(name, 'unset')} there, {here.get(name, 'unset')} here"
        for name in sorted({*there, *here})
        if there.get(name) != here.get(name)
    ]


def _flat(environment: Mapping[str, Any]) -> dict[str, str]:
    """Names to values; the variables by their own names."""
    shown_otherwise = ("variables", "steady", "steadying")  # all of it by what was really set
    plain = {name: value for name, value in environment.items() if name not in shown_otherwise}
    values = {**plain, **environment.get("variables", {})}
    return {name: str(value) for name, value in values.items() if value is not None}


def hardware_differences(one: Hardware, other: Hardware) -> list[str]:
    """What keeps step times of ``one`` from being compared with those of ``other``.

    Returns:
        A line for each disagreement, such as ``cores: 8 there, 2 here``; empty if none.
    """
    lines = []
    for field, title in _TITLES.items():
        there, here = getattr(one, field), getattr(other, field)
        if there == here:
            continue
        if isinstance(there, tuple):
            gone = " ".join(sorted(set(there) - set(here))) or "none"
            new = " ".join(sorted(set(here) - set(there))) or "none"
            lines.append(f"{title}: only there {gone}, only here {new}")
        else:
            lines.append(f"{title}: {there} there, {here} here")
    return lines
