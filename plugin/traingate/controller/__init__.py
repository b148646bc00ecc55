"""The controller: start children, interleave their steps, time out, tear down."""

from traingate.controller.measure import Job, LaunchPlan, Observer, Timeouts, measure

__all__ = ["Job", "LaunchPlan", "Observer", "Timeouts", "measure"]
