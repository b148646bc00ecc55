"""Duets and what is settled by them: real training, real commits, real workers."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

import psutil
import pytest

from traingate.launch import TAG

FEW = ("--traingate-scale=smoke", "--traingate-steps=6", "--traingate-launches=2")
ONE_TEST = """
from models import mlp

def test_mlp(training_benchmark):
    training_benchmark(mlp)
"""


def git(*arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    done = subprocess.run(
        ["git", *identity, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit():
    git("add", "models.py", "test_training.py")
    git("commit", "-q", "-m", "next")


@pytest.fixture
def committed(project, tmp_path, monkeypatch):
    """``committed(tests)``: the project in a repository; afterwards nothing may be left."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    # Short: the socket's path must fit.
    temporary = Path(tempfile.mkdtemp(prefix="tg-"))
    monkeypatch.setenv("TMPDIR", str(temporary))

    def write(tests: str = ONE_TEST):
        pytester = project(tests)
        git("init", "-q")
        commit()
        return pytester

    yield write
    assert not any(process_is_ours(process, temporary) for process in psutil.process_iter())
    assert [path.name for path in temporary.glob("traingate-*")] == []
    assert len(git("worktree", "list").splitlines()) == 1
    assert list(Path(".git").rglob("*.lock")) == []


def process_is_ours(process, temporary):
    with contextlib.suppress(psutil.Error):
        return process.environ().get(TAG, "").startswith(str(temporary))
    return False


def slow_down(pytester, factor: float = 3.0):
    models = pytester.path / "models.py"
    text = models.read_text()
    assert "SLOWER = 1.0" in text
    models.write_text(text.replace("SLOWER = 1.0", f"SLOWER = {factor}"))


def record(pytester, name="record.json"):
    (benchmark,) = json.loads((pytester.path / name).read_text())["benchmarks"]
    return benchmark["extra_info"]["traingate"]


def test_slower_code_fails_beside_its_commit_and_the_record_has_both_sides(committed):
    pytester = committed()
    slow_down(pytester)
    result = pytester.runpytest_subprocess(
        *FEW, "--traingate-against=HEAD", "--benchmark-json=record.json"
    )
    result.assert_outcomes(failed=1)
    head = git("rev-parse", "HEAD")[:9]
    result.stdout.fnmatch_lines(
        [
            "*REGRESSED: by the code: throughput is * % lower*",
            f"*commit {head} (HEAD), Python *, torch *",
        ]
    )
    found = record(pytester)
    duet = found["duet"]
    assert found["verdict"]["method"] == "duet, step by step"
    assert found["verdict"]["failed"]
    assert len(duet["pairs"]) == 2
    assert all(len(pair["base_step_seconds"]) == 6 for pair in duet["pairs"])
    assert "steady" in found["environment"]
    assert "LD_PRELOAD" not in found["environment"]["variables"]
    assert duet["base_environment"]["steadying"] == duet["candidate_environment"]["steadying"]


def test_unchanged_code_passes_though_the_tree_is_dirty(committed):
    pytester = committed()
    models = pytester.path / "models.py"
    models.write_text(f"{models.read_text()}\n# not committed\n")
    (pytester.path / "new.py").write_text("")
    result = pytester.runpytest_subprocess(
        *FEW, "--traingate-against=HEAD", "--traingate-tolerance=30", "--benchmark-json=record.json"
    )
    result.assert_outcomes(passed=1)
    found = record(pytester)
    assert found["verdict"]["outcome"] == "PASSED"
    assert len(found["duet"]["pairs"]) == 2
    result.stdout.fnmatch_lines(["*measured  side by side, step by step*"])


def test_what_only_the_candidate_has_is_new(committed):
    pytester = committed()
    tests = pytester.path / "test_training.py"
    tests.write_text(tests.read_text().replace("mlp", "fresh"))
    models = pytester.path / "models.py"
    models.write_text(f"{models.read_text()}\n\ndef fresh():\n    return mlp()\n")
    result = pytester.runpytest_subprocess(*FEW, "--traingate-against=HEAD")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*HEAD (commit *) has no fresh in models.py*"])
    record_it = "--traingate-on-missing=record"
    result = pytester.runpytest_subprocess(*FEW, "--traingate-against=HEAD", record_it)
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--traingate-against=nowhere"], "*'nowhere' names no commit*"),
        (["--traingate-against=HEAD~1"], "*has no mlp in models.py*--traingate-on-missing=record*"),
        (["--traingate-against="], "*must not be empty*"),
        (["--traingate-against-python="], "*must not be empty*"),
        (["--traingate-against-python=/no/python"], "*does not run as a Python*"),
        (["--traingate-against=HEAD", "--benchmark-compare"], "*give one of them*"),
        (["--traingate-against=HEAD", "-n2"], "*compares nothing under xdist*"),
        (["--traingate-against=HEAD", "--benchmark-disable"], "*compares nothing while*"),
        (["--traingate-against=HEAD", "--traingate-launches=1"], "*one pair has no spread*"),
    ],
)
def test_a_duet_that_cannot_be_is_refused(committed, project, options, complaint):
    pytester = project(ONE_TEST)
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "empty")
    commit()
    result = pytester.runpytest_subprocess(*FEW, *options)
    assert result.ret != 0
    assert any(_matches(line, complaint) for line in result.outlines + result.errlines)


def _matches(line, pattern):
    import fnmatch

    return fnmatch.fnmatch(line, pattern)


def test_outside_of_a_repository_there_is_nothing_to_measure_against(project):
    result = project(ONE_TEST).runpytest_subprocess(*FEW, "--traingate-against=HEAD")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*is in no git repository*"])


def test_new_code_is_recorded_where_missing_is_to_pass(committed, project):
    pytester = project(ONE_TEST)
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "empty")
    result = pytester.runpytest_subprocess(
        *FEW, "--traingate-against=HEAD", "--traingate-on-missing=record"
    )
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*NO_BASELINE*"])


def test_what_the_stored_launches_leave_in_doubt_a_duet_settles(committed):
    pytester = committed()
    pytester.runpytest_subprocess(*FEW, "--benchmark-save=base").assert_outcomes(passed=1)
    slow_down(pytester)
    commit()
    result = pytester.runpytest_subprocess(*FEW, "--benchmark-compare", "--benchmark-save=slow")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*REGRESSED: by the code:*", "*commit *, Python *", "*screened by 0001_base*"]
    )
    accepted = pytester.run(
        Path(sys.executable).with_name("traingate"), "accept", "--reason=a larger model"
    )
    assert accepted.ret == 0
    result = pytester.runpytest_subprocess(*FEW, "--benchmark-compare", "--traingate-tolerance=30")
    result.assert_outcomes(passed=1)


def depends_on_its_environment(pytester):
    models = pytester.path / "models.py"
    factor = '3.0 if os.environ.get("MALLOC_ARENA_MAX") == "7" else 1.0'
    text = models.read_text().replace("SLOWER = 1.0", f"SLOWER = {factor}")
    models.write_text(f"import os\n{text}")
    commit()


@pytest.mark.parametrize("code_too", [False, True])
def test_slower_by_the_environment_is_told_from_slower_by_the_code(
    committed, monkeypatch, code_too
):
    pytester = committed()
    depends_on_its_environment(pytester)
    pytester.runpytest_subprocess(*FEW, "--benchmark-save=base").assert_outcomes(passed=1)
    monkeypatch.setenv("MALLOC_ARENA_MAX", "7")
    if code_too:
        models = pytester.path / "models.py"
        models.write_text(models.read_text().replace("SLOWER = 3.0", "SLOWER = 12.0"))
    result = pytester.runpytest_subprocess(*FEW, "--benchmark-compare")
    result.assert_outcomes(failed=1)
    whose = "by the code:" if code_too else "by the environment, not by the code:"
    result.stdout.fnmatch_lines(
        [f"*REGRESSED: {whose} throughput is*", "*MALLOC_ARENA_MAX: unset there, 7 here*"]
    )


SEEING = """
import models
from models import mlp

try:
    import only_here
    models.SLOWER = 4.0
except ImportError:
    pass

def test_mlp(training_benchmark):
    training_benchmark(seeing)

def seeing():
    return mlp()
"""


def test_another_interpreter_sees_no_package_of_ours(committed, tmp_path, monkeypatch):
    pytester = committed(SEEING)
    ours = tmp_path / "ours"
    ours.mkdir()
    (ours / "only_here.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(ours))
    other = tmp_path / "other"
    venv.create(other, symlinks=True)
    packages = next(other.glob("lib/python*/site-packages"))
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    result = pytester.runpytest_subprocess(
        *FEW, f"--traingate-against-python={other}", "--benchmark-json=record.json"
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*REGRESSED: by the environment, not by the code:*"])
    duet = record(pytester)["duet"]
    assert duet["base"] == f"the Python of {other}"
    assert duet["base_environment"]["torch"] == duet["candidate_environment"]["torch"]


BREAKING = """
from models import mlp
import pytest
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(256, 64), nn.Linear(64, 10)])

    def forward(self, x):
        x = self.layers[0](x)
        # here
        return self.layers[1](x)

def net(batch_size: int = 16):
    from models import Digits
    from traingate import TrainingSetup
    model = Net()
    return TrainingSetup(
        model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters()), Digits(), batch_size
    )

def test_net(training_benchmark, torch_compile):
    training_benchmark(net)
"""


def test_new_graph_breaks_fail_with_their_reasons_whatever_the_time(committed):
    pytester = committed(BREAKING)
    pytester.runpytest_subprocess(*FEW, "--benchmark-save=base").assert_outcomes(passed=1)
    file = pytester.path / "test_training.py"
    breaking = "x = x if x.sum() > -1e9 else -x\n        torch._dynamo.graph_break()"
    file.write_text(file.read_text().replace("# here", breaking))
    result = pytester.runpytest_subprocess(*FEW, "--benchmark-compare", "--traingate-tolerance=49")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines_random(
        [
            "*REGRESSED: 2 graph breaks, 0 before:*",
            "*test_training.py:13: Data-dependent branching*",
            "*test_training.py:14: Call to `torch._dynamo.graph_break()`*",
        ]
    )


def test_ctrl_c_in_a_duet_leaves_nothing_and_says_so(committed):
    pytester = committed()
    models = pytester.path / "models.py"
    awake = models.read_text()
    models.write_text(
        awake.replace(
            "    def forward(self, x):\n", "    def forward(self, x):\n        time.sleep(600)\n"
        )
    )
    commit()
    models.write_text(awake)
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *FEW, "--traingate-against=HEAD"],
        cwd=pytester.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    _wait_for_a_base(psutil.Process(run.pid))
    run.send_signal(signal.SIGINT)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == pytest.ExitCode.INTERRUPTED, output
    assert "the comparison was broken off: no verdict" in output


def _wait_for_a_base(parent):
    """Until a worker runs in a worktree's folder."""
    for _ in range(1200):
        for child in parent.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if "traingate-base-" in child.cwd():
                    return
        gone, _ = psutil.wait_procs([parent], timeout=0.1)
        assert not gone
    raise AssertionError("no base has been started")


def test_calibration_tells_what_it_finds(committed):
    pytester = committed()
    command = Path(sys.executable).with_name("traingate")
    result = pytester.run(
        command, "calibrate", "test_training.py::test_mlp", "--pairs=4", "--slowdown=60", "--",
        *FEW, "--traingate-tolerance=10",
    )  # fmt: skip
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "*beside itself: 4 pairs (duet, step by step) scatter by*",
            "*slowed down by 60 %: REGRESSED at tolerance 10 % after 2 pairs*",
            "*tolerance*finds 99 of 100*",
        ]
    )


def test_calibration_of_what_is_no_benchmark_is_told(committed):
    pytester = committed()
    command = Path(sys.executable).with_name("traingate")
    result = pytester.run(command, "calibrate", "test_training.py::test_other")
    assert result.ret == 2
    result.stderr.fnmatch_lines(["*was not measured*"])
