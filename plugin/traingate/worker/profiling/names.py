"""Name the ranges that mark steps, phases and modules in a trace of torch's profiler."""

from __future__ import annotations

from typing import Final

STEP: Final = "traingate: step"
"""Range of one whole step."""

PHASE_PREFIX: Final = "traingate: end of phase "
"""Beginning of the name of an empty range at the end of a phase, followed by the phase."""

MODULE_PREFIX: Final = "traingate: module "
"""Beginning of the name of a module's range, followed by its path in the model."""

ROOT: Final = "(model)"
"""Path of the model itself. Names in parentheses cannot be paths of modules."""

CRITERION: Final = "(criterion)"
"""Path of the criterion, if that is a module."""
