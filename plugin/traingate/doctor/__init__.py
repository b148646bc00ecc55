"""Examine what this machine has and lacks for each layer, and how to change that.

No training is measured, and torch is not imported.
"""

from traingate.doctor.finding import Finding, State
from traingate.doctor.layers import examine_layers
from traingate.doctor.machine import examine_machine
from traingate.doctor.software import examine_software

__all__ = ["Finding", "State", "examine", "examine_layers"]


def examine() -> list[Finding]:
    """Return all findings on this machine, those of one topic after each other."""
    return [*examine_machine(), *examine_software(), *examine_layers()]
