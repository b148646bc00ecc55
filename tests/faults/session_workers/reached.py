"""Points in a run at which a test ends it: the run waits there, after making a file.

If the test removes the file, the run goes on.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

POINT = "TRAINGATE_TEST_POINT"
"""Variable with the name of the point to wait at."""

FILE = "TRAINGATE_TEST_REACHED"
"""Variable with the path of the file to make."""


_SECONDS = 600.0
_reached: list[str] = []


def reach(point: str) -> None:
    """Wait for ten minutes if the run is to be ended at this point, and has not waited here."""
    if os.environ.get(POINT) != point or _reached:
        return
    _reached.append(point)
    file = Path(os.environ[FILE])
    file.touch()
    deadline = time.monotonic() + _SECONDS
    while file.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
