"""Test profiles as a user takes them: the option, and the commands ``profile`` and ``diff``."""

from __future__ import annotations

import gzip
import json
import subprocess
import sysconfig
from pathlib import Path

import pytest
from repositories import FAST, HIDDEN, git, record, slow_down

TRAINGATE = Path(sysconfig.get_path("scripts")) / "traingate"
TEST = "test_training.py::test_mlp"
FILES = {"candidate.trace.json.gz", "candidate.stacks.txt", "flame_graph.html", "profile.json"}


def traingate(*arguments):
    command = [TRAINGATE, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.long
@pytest.mark.timed
def test_a_regression_is_explained_and_its_record_and_files_have_both_sides(committed, monkeypatch):
    """Shorter tests of this are in test_pull_request_gate and process/test_profiling."""
    monkeypatch.setenv("TORCHX_TOKEN", HIDDEN)
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{HIDDEN}@proxy:3128")
    pytester = committed()
    slow_down(pytester)
    result = pytester.runpytest_subprocess(
        *FAST, "--traingate-against=HEAD", "--traingate-profile=profiles",
        "--benchmark-json=record.json",
    )  # fmt: skip
    result.assert_outcomes(failed=1)
    check_record(record(pytester))
    result.stdout.fnmatch_lines(
        [
            "*REGRESSED: by the code: layers (Sequential) (forward): aten::addmm +* calls per step*"
            "% of the slowdown",
            "*throughput is * % lower*",
            f"*commit {git('rev-parse', 'HEAD')[:9]} (HEAD), Python *, torch *",
            "*causes *aten::addmm*",
            "*unexplained",
            "*phases *forward: *",
        ]
    )
    (folder,) = pytester.path.glob("profiles/*")
    assert {path.name for path in folder.iterdir()} == FILES | {
        "base.trace.json.gz",
        "base.stacks.txt",
    }
    tables = json.loads((folder / "profile.json").read_text())
    assert tables["explanation"]["causes"][0]["module"] == "layers"
    for side in ("base", "candidate"):
        trace = folder / f"{side}.trace.json.gz"
        assert trace.stat().st_size < 20e6
        content = gzip.decompress(trace.read_bytes())
        check_trace(json.loads(content))
        # Neither the variables nor the command lines of the processes.
        assert HIDDEN.encode() not in content
        assert b"--traingate" not in content
    assert not any(HIDDEN.encode() in path.read_bytes() for path in folder.iterdir())


def check_record(saved_record):
    """Check that the record of a duet has the steps and the environments of both sides."""
    assert saved_record["verdict"]["method"] == "duet, step by step"
    assert saved_record["verdict"]["failed"]
    duet = saved_record["duet"]
    assert len(duet["pairs"]) == 2
    assert all(len(pair["base_step_seconds"]) == 6 for pair in duet["pairs"])
    assert "steady" in saved_record["environment"]
    assert "LD_PRELOAD" not in saved_record["environment"]["variables"]
    assert duet["base_environment"]["steadying"] == duet["candidate_environment"]["steadying"]


def check_trace(trace):
    """Check what Perfetto needs of the Trace Event Format: complete events with times and threads.

    The format is documented in Chrome's "Trace Event Format".
    """
    complete = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert complete
    for event in complete:
        assert event["dur"] >= 0
        assert {"name", "ts", "pid", "tid"} <= event.keys()
    names = {event["name"] for event in complete}
    assert {"traingate: step", "traingate: module layers.0", "aten::addmm"} <= names


def test_a_test_is_profiled_by_a_command(committed):
    committed()
    process = traingate("profile", TEST, *FAST)
    assert process.returncode == 0, process.stderr
    for words in (
        TEST,
        "phases",
        "forward",
        "aten::addmm",
        "layers.0",
        "__getitem__ at nets.py:",
    ):
        assert words in process.stdout


@pytest.mark.long
def test_the_tables_are_json_for_tools(committed):
    committed()
    process = traingate("profile", TEST, "--format=json", "--output=out", *FAST)
    tables = json.loads(process.stdout)
    assert tables["test"] == TEST
    assert sum(cell[-1] for cell in tables["candidate"]["cells"]) == pytest.approx(
        tables["candidate"]["step_seconds"], rel=0.02
    )


@pytest.mark.long
@pytest.mark.timed
def test_two_profiles_or_two_runs_are_compared(committed):
    pytester = committed()
    options = (*FAST, "--traingate-launches=1")
    for name in ("fast", "slow"):
        files = (f"--output={name}", f"--benchmark-json={name}.json")
        assert traingate("profile", TEST, *options, *files).returncode == 0
        if name == "fast":
            slow_down(pytester)
    (fast,), (slow,) = (list(pytester.path.glob(f"{name}/*")) for name in ("fast", "slow"))
    for arguments in ((fast, slow), ("fast.json", "slow.json")):
        check_difference(traingate("diff", *map(str, arguments)))
    process = traingate("diff", "slow.json", "fast.json", "--format=json")
    assert "speed-up" in json.loads(process.stdout)[TEST]["sentence"]


def check_difference(process):
    assert process.returncode == 0, process.stderr
    assert "aten::addmm +" in process.stdout
    assert "of the slowdown" in process.stdout


@pytest.mark.long
@pytest.mark.timed
def test_the_working_tree_is_compared_with_a_commit(committed, monkeypatch):
    slow_down(committed())
    monkeypatch.setenv("PYTEST_ADDOPTS", " ".join(FAST))
    check_difference(traingate("diff", "HEAD", "--test", TEST))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("diff", "models.py", "models.py"), "is no profile"),
        (("diff", "nothing.json", "models.py"), "is no file"),
        (("diff", "models.py"), "compared with nothing"),
        (("profile", "test_training.py::missing"), "was not profiled"),
    ],
)
def test_what_cannot_be_profiled_or_compared_is_said(committed, arguments, message):
    committed()
    process = traingate(*arguments)
    assert process.returncode == 2
    assert message in process.stderr
    assert "Traceback" not in process.stderr


@pytest.mark.long
@pytest.mark.timed
def test_a_regression_by_stored_launches_is_explained_by_the_stored_profile(committed):
    pytester = committed()
    pytester.runpytest_subprocess(*FAST, "--benchmark-save=base").assert_outcomes(passed=1)
    slow_down(pytester)
    # Without pairs, the stored launches decide alone.
    (pytester.path / ".git").rename(pytester.path / "no_git")
    result = pytester.runpytest_subprocess(*FAST[:2], "--benchmark-compare")
    (pytester.path / "no_git").rename(pytester.path / ".git")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*REGRESSED: *aten::addmm +*", "*throughput is * lower*"])
