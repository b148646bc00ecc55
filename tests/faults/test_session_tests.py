"""Test runs whose tests change the process of pytest, by a real measurement after that."""

from __future__ import annotations

from session_sites import MODELS, SMOKE


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
    ended = project.run(*SMOKE, "--timeout=60", "--timeout-method=thread")
    assert ended.status == 0, ended.output
    assert project.leftovers() == []
