"""Test runs whose tests change the process of pytest, by a real measurement after that."""

from __future__ import annotations

import os
import signal
import time

import pytest
from session_sites import DUET, MODELS, PYTEST, SMOKE, TESTS, TIMEOUT

from refusing_md5 import WITHOUT_MD5


def test_a_test_that_stops_the_clock_of_python_is_measured(project):
    project.write("models.py", MODELS)
    project.write(
        "test_speed.py",
        """
from models import model

def test_model(training_benchmark, monkeypatch):
    monkeypatch.setattr("time.monotonic", lambda: 0.0)
    monkeypatch.setattr("subprocess._time", lambda: 0.0)
    training_benchmark(model)
""",
    )
    ended = project.run(*SMOKE, "--timeout=60", "--timeout-method=thread", is_forked=False)
    assert ended.status == 0, ended.output
    assert project.leftovers() == []


PRINTING = """
import os
from trainings import training

def model():
    os.write(1, bytes(range(128, 256)) + b"\\xc3\\x97 last words\\n")
    return training(lambda: None)
"""


ON_TERMINAL = """
import os, pty, sys
command = [sys.executable, "-m", "pytest", *sys.argv[1:]]
sys.exit(os.waitstatus_to_exitcode(pty.spawn(command)))
"""


@pytest.mark.parametrize("python", [PYTEST, ("-c", ON_TERMINAL)], ids=["log", "terminal"])
def test_what_a_worker_prints_fails_no_test_where_it_cannot_be_encoded(project, python):
    project.write("models.py", PRINTING)
    project.write("test_größe.py", TESTS.replace("test_model", "test_größe"))
    project.variables["PYTHONIOENCODING"] = "ascii"
    ended = project.run(*SMOKE, "-s", "test_größe.py", python=python)
    assert ended.status == 0, ended.output
    assert r"\xd7 last words" in ended.output
    assert r"\n" not in ended.output  # as pytest escapes a text that it cannot encode
    assert "1 passed" in ended.output
    assert project.leftovers() == []


FORKING = """
import os, time
from pathlib import Path
from models import model

def test_model(training_benchmark):
    training_benchmark(model)
    child = os.fork()
    if child == 0:
        time.sleep(600)
        os._exit(0)
    Path("forking").write_text(str(child))
    Path("forking").rename("forked")
"""

STATUS = {signal.SIGINT: 2, signal.SIGTERM: 128 + signal.SIGTERM, signal.SIGKILL: -signal.SIGKILL}
"""Exit status of a run that a signal ends in a test."""


@pytest.mark.parametrize("number", STATUS)
def test_a_run_that_is_ended_beside_a_process_that_a_test_has_forked_leaves_nothing(
    project, number
):
    project.write("models.py", MODELS)
    project.write("test_speed.py", f"{FORKING}    time.sleep(600)\n")
    forked = project.folder / "forked"
    run = project.start(*SMOKE)
    run.wait_until(forked)
    run.process.send_signal(number)
    try:
        ended = run.wait()
        deadline = time.monotonic() + TIMEOUT
        while folders_of(project) and time.monotonic() < deadline:
            time.sleep(0.02)
        folders = folders_of(project)
    finally:
        os.kill(int(forked.read_text()), signal.SIGKILL)
    assert ended.status == STATUS[number], ended.output
    assert folders == []
    assert project.leftovers() == []


def folders_of(project):
    """Return what is in the folder for temporary files, but for pytest's own folder."""
    return [path for path in project.temporary.iterdir() if "pytest" not in path.name]


@pytest.mark.parametrize("options", [SMOKE, DUET], ids=["measuring", "duet"])
def test_the_end_of_a_run_does_not_wait_for_a_process_that_a_test_has_forked(project, options):
    project.write("models.py", MODELS)
    project.write("test_speed.py", FORKING)
    project.commit()
    run = project.start(*options)
    try:
        ended = run.wait()
        folders = folders_of(project)
    finally:
        for file in project.folder.glob("forked"):
            os.kill(int(file.read_text()), signal.SIGKILL)
    assert ended.status == 0, ended.output
    assert folders == []
    assert project.leftovers() == []


MD5_REFUSED = """
    import hashlib
    try:
        hashlib.md5(b"")
    except ValueError:
        pass
    else:
        raise AssertionError("this process has MD5")
"""


def test_a_session_needs_no_md5(project):
    folder = project.root / "fips"  # not a part of the project
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(WITHOUT_MD5)
    paths = (str(folder), project.environment["PYTHONPATH"])
    project.variables["PYTHONPATH"] = os.pathsep.join(paths)
    project.write("models.py", MODELS.replace("def model():", f"def model():{MD5_REFUSED}"))
    project.write(
        "test_speed.py",
        TESTS.replace("    training_benchmark(", f"{MD5_REFUSED}    training_benchmark("),
    )
    project.commit()
    ended = project.run(*DUET, "--traingate-html=page.html", "--benchmark-save=run")
    assert ended.status == 0, ended.output
    assert ended.counts["compared"] == 1
    assert project.leftovers() == []
