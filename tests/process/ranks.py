"""Launcher without torch, which ``python ranks.py NAME,NAME DIRECTORY`` starts.

Each name is that of one rank's service.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

names, directory = sys.argv[1].split(","), Path(sys.argv[2])
processes = []
for rank, name in enumerate(names):
    rank_variables = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(len(names))}
    if "TRAINGATE_TEST_NO_RANK_VARIABLES" in os.environ:
        rank_variables = {}
    with (directory / f"log.{rank}").open("ab") as log:
        processes.append(
            subprocess.Popen(
                [
                    sys.executable,
                    str(Path(__file__).with_name("services.py")),
                    name,
                    str(directory),
                ],
                env={**os.environ, **rank_variables},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        )
while all(process.poll() is None for process in processes):
    with contextlib.suppress(subprocess.TimeoutExpired):
        processes[-1].wait(0.05)
for process in processes:
    process.terminate()  # as torchrun does
print(*(Path(directory / f"log.{rank}").read_text() for rank in range(len(names))), flush=True)
