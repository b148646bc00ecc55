"""Read numbers from the observation of a stack."""

from __future__ import annotations

from traingate.records.profile import Profile


def operator_rows(profile: Profile) -> dict[str, dict]:
    """Return the calls per step and the types of the inputs of each operator, by its name."""
    rows: dict[str, dict] = {}
    for cell in profile.cells:
        types = [*profile.input_types.get(cell.operator, ())]
        row = rows.setdefault(cell.operator, {"calls_per_step": 0.0, "input_types": types})
        row["calls_per_step"] += cell.calls
    return rows


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
