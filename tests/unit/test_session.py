"""Test the launches, the baselines and the directory of a session before it measures."""

from __future__ import annotations

import tempfile

import pytest

from sample_records import measurement, save_run
from sample_settings import settings
from simulated_launches import launch
from traingate.comparison.launch_count import launch_plan
from traingate.controller.job import LaunchPlan
from traingate.controller.scales import SCALES
from traingate.errors import BaselineError, ConfigurationError, DamagedRecordError, NoRunError
from traingate.layers import DataParallel
from traingate.layers.stack import Stack
from traingate.session import Session

QUICK = SCALES["quick"]
PLAIN = Stack()
ON_TWO_NODES = Stack.of([DataParallel(ranks=1, arguments=["--nnodes=2"])])


@pytest.mark.parametrize(
    ("changes", "plan"),
    [
        ({}, LaunchPlan(3, 3)),
        ({"launches": 1}, LaunchPlan(1, 1)),
        ({"launches": 5}, LaunchPlan(5, 5)),
        ({"scale": SCALES["smoke"]}, LaunchPlan(2, 2)),
        ({"compare": True}, LaunchPlan(3, 8)),
        ({"compare": "0001"}, LaunchPlan(3, 8)),
        ({"compare": True, "launches": 2}, LaunchPlan(2, 2)),
        ({"compare": True, "launches": 5}, LaunchPlan(3, 5)),
        # In a duet, the number of launches limits the pairs.
        ({"against": "main"}, LaunchPlan(3, 3)),
        ({"against": "main", "launches": 2}, LaunchPlan(2, 2)),
        ({"against": "main", "launches": 12}, LaunchPlan(3, 3)),
        ({"against_python": "python3.12"}, LaunchPlan(3, 3)),
        ({"against_python": "python3.12", "launches": 2}, LaunchPlan(2, 2)),
    ],
)
def test_launches_follow_from_the_scale_the_settings_and_the_comparison(changes, plan):
    assert launch_plan(settings(**{"scale": QUICK, **changes}), PLAIN) == plan


@pytest.mark.parametrize("comparison", [{}, {"compare": True}, {"against": "main"}])
def test_several_nodes_take_exactly_the_launches_that_are_set(comparison):
    options = settings(scale=QUICK, launches=5, steps=9, **comparison)
    assert launch_plan(options, ON_TWO_NODES) == LaunchPlan(5, 5)


@pytest.mark.parametrize("changes", [{}, {"launches": 5}, {"steps": 9}])
def test_several_nodes_without_fixed_launches_and_steps_are_refused(changes):
    with pytest.raises(ConfigurationError, match="--traingate-launches and --traingate-steps"):
        launch_plan(settings(**changes), ON_TWO_NODES)


@pytest.fixture
def session(tmp_path, monkeypatch):
    """Return a function of ``on_missing`` that starts a session; it compares with ``storage``."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    sessions = []

    def start(on_missing):
        storage = str(tmp_path / "storage")
        options = settings(compare=True, storage=storage, on_missing=on_missing)
        sessions.append(Session(options, tmp_path, []))
        return sessions[-1]

    yield start
    for each in sessions:
        each.close()


def test_an_empty_storage_is_an_error_unless_missing_baselines_are_recorded(session):
    with pytest.raises(NoRunError, match="No saved run in"):
        _ = session("fail").baselines
    assert session("record").baselines.runs == ()


def test_only_runs_of_another_machine_are_an_error_unless_missing_baselines_are_recorded(
    session, tmp_path
):
    record = measurement([launch([0.1])])
    save_run(tmp_path / "storage" / "0001_base.json", {"bench.py::test_tiny": record})
    with pytest.raises(BaselineError, match=r"All saved runs are of another machine \(CPU: Test"):
        _ = session("fail").baselines
    assert len(session("record").baselines.runs) == 1


@pytest.mark.parametrize("on_missing", ["fail", "record"])
def test_a_damaged_run_is_an_error_in_any_case(session, tmp_path, on_missing):
    save_run(tmp_path / "storage" / "0001_base.json", {})
    (tmp_path / "storage" / "0002_damaged.json").write_text("{")
    with pytest.raises(DamagedRecordError, match=r"0002_damaged\.json is damaged"):
        _ = session(on_missing).baselines


def test_close_removes_the_directory_and_can_be_repeated(session, tmp_path):
    started = session("record")
    _ = started.jobs
    assert len(list(tmp_path.glob("traingate-session-*"))) == 1
    started.close()
    started.close()
    assert list(tmp_path.iterdir()) == []
