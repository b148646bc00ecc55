"""Names that a worker uses, and that the readers of its answers and its log have to know too."""

from __future__ import annotations

import signal
from typing import Final

STACK_SIGNAL: Final = signal.SIGQUIT
"""Signal at which a child prints the call stacks of its threads, also while it hangs in C."""

INTEL_OPENMP_FILES: Final = "__KMP_REGISTERED_LIB_"
"""Start of the names in shared memory by which Intel's OpenMP registers processes; their numbers
follow. It removes them at a normal exit only."""

CONNECTION_ENDED: Final = "connection-ended"
"""File in the private directory of a child that has ended itself because its connection ended."""

COMMAND_REFUSED: Final = "command-refused"
"""File in the same directory of a child that has ended itself because it could not read a command;
its log says why."""

NONFINITE_LOSSES: Final = "nonfinite_losses_in_measured_steps"
"""Counter of the measured steps whose loss was NaN or infinite."""

SKIPPED_UPDATES: Final = "skipped_updates_in_measured_steps"
"""Counter of the updates that a loss scaler left out in measured steps."""

COMPILATIONS: Final = "compilations_in_measured_steps"
"""Counter of what was compiled in measured steps."""
