"""Folder in which a session lets its workers compile."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from workers import name_in

from sample_settings import settings
from traingate.gate.limits import Limits
from traingate.layers.stack import Stack
from traingate.report.progress import NoProgress
from traingate.session import Session
from traingate.session.jobs import BenchmarkRequest

REPORTING = """
import os
from pathlib import Path
from trainings import sleeping

def reporting():
    Path(__file__).with_name("folder").write_text(os.environ["TORCHINDUCTOR_CACHE_DIR"])
    return sleeping()
"""


@pytest.fixture
def compile_folder(stand_in, temporary, monkeypatch):
    """``compile_folder()``: the folder in which the worker of a session compiles."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(temporary / "caches"))
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)

    def measure():
        file = temporary / "project" / "test_training.py"
        file.parent.mkdir()
        file.write_text(REPORTING)
        session = Session(settings(launches=1, steps=2), file.parent, [str(file.parent)])
        request = BenchmarkRequest("test", name_in(file, "reporting"), Stack(), Limits())
        try:
            session.run(request, NoProgress())
        finally:
            session.close()
        return Path(file.with_name("folder").read_text())

    return measure


def test_workers_compile_in_the_users_folder_for_kernels_and_leave_nothing_there(
    compile_folder, temporary, monkeypatch
):
    kernels = temporary / "kernels"
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(kernels))
    assert compile_folder().is_relative_to(kernels)
    assert list(kernels.iterdir()) == []


def test_workers_compile_elsewhere_if_the_folder_for_temporary_files_is_mounted_noexec(
    compile_folder, temporary, monkeypatch
):
    statvfs = os.statvfs

    def of_noexec_mount(path):
        status = statvfs(path)
        names = ("f_flag", "f_bavail", "f_blocks", "f_favail", "f_files")
        changed = SimpleNamespace(**{name: getattr(status, name) for name in names})
        changed.f_flag |= os.ST_NOEXEC if Path(path) == temporary else 0
        return changed

    monkeypatch.setattr(os, "statvfs", of_noexec_mount)
    assert compile_folder().is_relative_to(temporary / "caches" / "traingate")
