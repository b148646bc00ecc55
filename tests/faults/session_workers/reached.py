"""Points in a run at which a test ends it: the run waits there, after making a file."""

from __future__ import annotations

import os
import time
from pathlib import Path

POINT = "TRAINGATE_TEST_POINT"
"""Variable with the name of the point to wait at."""

FILE = "TRAINGATE_TEST_REACHED"
"""Variable with the path of the file to make."""


def reach(point: str) -> None:
    """Wait for ten minutes if the run is to be ended at this point."""
    if os.environ.get(POINT) == point:
        Path(os.environ[FILE]).touch()
        time.sleep(600)
