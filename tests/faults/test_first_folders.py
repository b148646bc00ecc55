"""Test that a run leaves no folder behind that ends in the moment in which it has made the folder."""

from __future__ import annotations

import signal

import pytest
from session_sites import DUET, STORED, site

INTERRUPTED = 2

ENDING_WITH_FOLDER = """
import os
import pathlib
import signal
import tempfile

make = os.mkdir

def make_and_end(path, *arguments, **keywords):
    make(path, *arguments, **keywords)
    if str(path).startswith(os.path.join(tempfile.gettempdir(), f"{prefix}")):
        os.kill(os.getpid(), signal.{signal})

os.mkdir = make_and_end
if hasattr(pathlib, "_normal_accessor"):  # Python 3.10
    pathlib._normal_accessor.mkdir = make_and_end
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize(
    ("prefix", "options"),
    [("traingate-session-", STORED), ("traingate-base-", DUET), ("traingate-{os.getpid()}-", DUET)],
    ids=["session", "worktree", "worker"],
)
def test_a_run_that_ends_as_soon_as_a_folder_is_made_leaves_none(prefix, options, number):
    with site() as project:
        project.store()
        project.commit()
        project.write("ending.py", ENDING_WITH_FOLDER.format(prefix=prefix, signal=number.name))
        ended = project.run("-p", "ending", *options)
        assert project.leftovers(10) == []
    assert ended.status in {INTERRUPTED, -number}, ended.output
