"""The controller: start children, interleave their steps, time out, tear down."""

from traingate.controller.duet import DuetInterrupted, duet
from traingate.controller.job import Job, LaunchPlan, Observer, Side, Timeouts, single_step
from traingate.controller.measure import Result, layer_records, measure

__all__ = [
    "DuetInterrupted",
    "Job",
    "LaunchPlan",
    "Observer",
    "Result",
    "Side",
    "Timeouts",
    "duet",
    "layer_records",
    "measure",
    "single_step",
]
