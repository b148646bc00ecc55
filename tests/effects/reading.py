"""Read numbers from the observation of a stack."""

from __future__ import annotations


def calls(observation, name: str) -> float:
    """Return the calls per step of the operators whose name contains ``name``."""
    rows = observation.operators.items()
    return sum(row["calls_per_step"] for operator, row in rows if name in operator)


def input_types(observation, name: str) -> set[str]:
    """Return the types of the inputs of the operators whose name contains ``name``."""
    return {
        kind
        for key, row in observation.operators.items()
        if name in key
        for kind in row["input_types"]
    }


def page_faults(observation) -> float:
    return observation.record.launches[0].minor_page_faults_per_step
