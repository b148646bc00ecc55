"""Starts runs of pytest that stand still at a point, for a test to end them there."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from session_sites import DUET, PYTEST, STORED, TIMEOUT, Run, Site
from workers import git

WAIT = 'touch "$TRAINGATE_TEST_REACHED"; sleep 600'
"""Shell command that stands still."""

POINTS = {
    "collecting": STORED,
    "starting": STORED,
    "preparing": STORED,
    "first step": STORED,
    "stepping": STORED,
    "profiling": (*STORED, "--traingate-profile=profiles"),
    "checking out": DUET,
    "setting up": (*DUET, f"--traingate-base-setup={WAIT}"),
    "frozen": DUET,
    "saving": (*STORED, "--benchmark-save=next"),
    "reporting": (*STORED, "--traingate-html=pipe"),
}
"""Options of the run, by the point at which it stands still.

``frozen``: the base takes a step, and the candidate is stopped. ``saving``: pytest-benchmark makes the
content of its file. ``reporting``: half of the page is written.
"""

CONFTEST = """
from reached import reach

def pytest_collection_modifyitems():
    reach("collecting")

def pytest_benchmark_update_json():
    reach("saving")
"""


@contextmanager
def standing_still(
    site: Site,
    point: str,
    *arguments: str,
    python: Sequence[str] = PYTEST,
    terminal: int | None = None,
) -> Iterator[Run]:
    """Yield a run that stands still at *point*, one of ``POINTS``.

    Args:
        site: Project of the run.
        point: Point at which it stands still.
        arguments: Further arguments of pytest.
        python: Arguments of Python, which name the program and its first arguments.
        terminal: Terminal of the run; None for none.
    """
    reached = site.root / "reached"
    site.variables.update(TRAINGATE_TEST_POINT=point, TRAINGATE_TEST_REACHED=str(reached))
    site.write("conftest.py", CONFTEST)
    site.write(".gitattributes", "*.data filter=slow\n")
    site.write("base.data", "data\n")
    site.store()
    site.commit()
    if point == "checking out":
        git(site.folder, "config", "filter.slow.smudge", f"{WAIT}; cat")
    if point == "reporting":
        with _pipe(site) as pipe:
            run = site.start(*POINTS[point], *arguments)
            assert select.select([pipe], [], [], TIMEOUT)[0], "nothing was written"
            yield run
        return
    run = site.start(*POINTS[point], *arguments, python=python, terminal=terminal)
    run.wait_until(reached)
    yield run


@contextmanager
def _pipe(site: Site) -> Iterator[int]:
    """Yield the end of a pipe that nobody reads; a page is longer than what it holds."""
    path = site.folder / "pipe"
    os.mkfifo(path)
    end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield end
    finally:
        os.close(end)
