"""Plan the launches of a test by the settings of the session."""

from __future__ import annotations

from traingate.controller.job import LaunchPlan
from traingate.errors import ConfigurationError
from traingate.layers.stack import Stack
from traingate.options.settings import DEFAULT_MAX_LAUNCHES, Settings


def launch_plan(settings: Settings, stack: Stack) -> LaunchPlan:
    """Return the number of launches of the candidate alone.

    Args:
        settings: Settings of the session.
        stack: Layers of the test.

    Raises:
        ConfigurationError: If ranks on several nodes might take different numbers of steps.
    """
    planned, maximum = settings.scale.launches, settings.launches
    if stack.spans_nodes:
        if maximum is None or settings.steps is None:
            raise ConfigurationError(
                "ranks on several nodes must take the same steps on each of them: give "
                "--traingate-launches and --traingate-steps, the same on every node"
            )
        return LaunchPlan(maximum, maximum)
    if settings.compare:
        maximum = maximum or DEFAULT_MAX_LAUNCHES
        return LaunchPlan(min(planned, maximum), maximum)
    if settings.compares:  # by a duet, where --traingate-launches limits the pairs
        planned = min(planned, maximum or planned)
        return LaunchPlan(planned, planned)
    return LaunchPlan(maximum or planned, maximum or planned)
