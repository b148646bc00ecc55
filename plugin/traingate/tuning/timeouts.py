"""Set the time limits of the launches of a race."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from traingate.controller.job import Timeouts
from traingate.records.race import Race

_FIRST_STEP_SECONDS: Final = 600.0
"""Longest time of a first step. A stack that compiles for longer is left out."""

_SHORTEST_FIRST_STEP: Final = 120.0
"""Smallest limit for a first step, however short the race is."""

_SETUP_SECONDS: Final = 600.0
"""Smallest limit for building a training. Those of a heat are built side by side."""

_SLOWER_SETUP: Final = 20.0
"""Factor by which that may take longer than the building of plain alone."""

_STEP_SECONDS: Final = 60.0
"""Smallest limit for the time of a step."""

_SLOWEST: Final = 50.0
"""Factor by which a step may be slower than one of plain before it counts as hanging."""


def race_timeouts(timeout: float | None, race_seconds: float, race: Race) -> Timeouts:
    """Return the limits for the answers of a launch.

    Args:
        timeout: Value of ``--traingate-timeout``; None for limits by the speed of plain.
        race_seconds: Time for the race, of which no first step takes more than half.
        race: Race so far. When it goes on in another session, what was compiled is compiled again.
    """
    if timeout is not None:
        return Timeouts.of(timeout)
    plain = race.plain
    slowest = max(second for launch in plain.launches for second in launch.step_seconds)
    step = max(_STEP_SECONDS, _SLOWEST * slowest)
    setup = max(_SETUP_SECONDS, _SLOWER_SETUP * plain.launches[0].setup_seconds)
    first_step = max(_SHORTEST_FIRST_STEP, race_seconds / 2, 2 * race.longest_first_step_seconds)
    first_step = min(_FIRST_STEP_SECONDS, first_step)
    return replace(Timeouts(), first_step=first_step + step, step=step, setup=setup)
