"""Test that a session's own process does not grow with the launches and the tests of its run."""

from __future__ import annotations

import json
import resource
from dataclasses import dataclass

import msgspec
import pytest
from comparing_runs import OPTIONS, SLOW, line
from workers import TRAININGS, git

LAUNCHES = {"short": 32, "long": 300}
"""Launches of one session; each test of the session has at least eight."""

BENCHMARKS = {"short": 24, "long": 200}
"""Training benchmarks of one session."""

SIZES = ("short", pytest.param("long", marks=pytest.mark.long))

RSS_BYTES_PER_LAUNCH = 40_000
"""Growth of the resident set that is allowed: records and reports of tests are kept until the end."""

CPU_SECONDS_PER_TEST = 0.25
"""Processor time of pytest's process for one test that it does not measure itself, at most."""

STATE_HOOK = """
import gc, json, os, tempfile, threading
from pathlib import Path
import psutil

def pytest_runtest_logfinish(nodeid, location):
    gc.collect()
    process = psutil.Process()
    state = {
        "rss_bytes": process.memory_info().rss,
        "cpu_seconds": sum(process.cpu_times()[:2]),
        "descriptors": process.num_fds(),
        "threads": threading.active_count(),
        "children": len(process.children(recursive=True)),
        "temporary_files": sum(1 for _ in Path(tempfile.gettempdir()).rglob("*")),
    }
    with open("states.jsonl", "a") as file:
        file.write(json.dumps(state) + chr(10))
"""
"""A conftest.py that writes the state of pytest's process after each test."""

MANY_TESTS = """
import pytest
from trainings import sleeping

@pytest.mark.parametrize("number", range({count}))
def test_sleeping(training_benchmark, number):
    training_benchmark(sleeping)
"""


@dataclass(frozen=True)
class State:
    """State of pytest's process after a test, by the names of ``STATE_HOOK``."""

    rss_bytes: int
    cpu_seconds: float
    descriptors: int
    threads: int
    children: int
    temporary_files: int

    @property
    def countable(self) -> tuple[int, ...]:
        """Return what a test must not leave more of than there was."""
        return self.descriptors, self.threads, self.children, self.temporary_files


@pytest.fixture
def run(pytester, stand_in, temporary, monkeypatch):
    """``run(count, *options)``: the result of so many training benchmarks, and the states."""
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setenv("PYTEST_DEBUG_TEMPROOT", str(pytester.path))

    def pytest_run(count, *options):
        pytester.makeconftest(STATE_HOOK)
        pytester.makepyfile(
            trainings=TRAININGS.read_text(), test_speed=MANY_TESTS.format(count=count)
        )
        result = pytester.runpytest_subprocess(*OPTIONS, *options)
        lines = (pytester.path / "states.jsonl").read_text().splitlines()
        return result, [msgspec.json.decode(text, type=State) for text in lines]

    return pytest_run


@pytest.mark.parametrize("size", SIZES)
def test_launches_leave_no_memory_descriptors_threads_or_files_in_the_parent(run, pytester, size):
    git(pytester.path, "init", "-q")
    pytester.makepyfile(trainings=TRAININGS.read_text())
    git(pytester.path, "add", "trainings.py")
    git(pytester.path, "commit", "-q", "-m", "base")
    tests = LAUNCHES[size] // 8
    result, states = run(
        tests, "--traingate-against=HEAD", "--traingate-launches=3", "--traingate-tolerance=40",
        "--benchmark-json=run.json",
    )  # fmt: skip
    result.assert_outcomes(passed=tests)
    launches = 0
    for benchmark in json.loads((pytester.path / "run.json").read_text())["benchmarks"]:
        record = benchmark["extra_info"]["traingate"]
        launches += len(record["launches"]) + 2 * len(record["duet"]["pairs"])
    assert launches >= LAUNCHES[size]
    # The first tests import modules, and fill caches that the others use.
    settled, last = states[len(states) // 4], states[-1]
    assert last.countable == settled.countable
    growth = last.rss_bytes - settled.rss_bytes
    print(f"{launches} launches, {growth / launches:.0f} bytes per launch")
    assert growth <= RSS_BYTES_PER_LAUNCH * launches


@pytest.mark.parametrize("size", SIZES)
def test_many_benchmarks_are_compared_in_one_run_with_all_reports(run, save, pytester, size):
    count = BENCHMARKS[size]
    names = [f"test_speed.py::test_sleeping[{number}]" for number in range(count)]
    save(SLOW, *names)
    result, states = run(
        count, "--benchmark-compare", "--benchmark-storage=stored", "--traingate-tolerance=40",
        "--benchmark-json=run.json", "--traingate-json=results.json", "--traingate-html=page.html",
        "--traingate-markdown=summary.md",
    )  # fmt: skip
    result.assert_outcomes(passed=count)
    assert line(result)["compared"] == line(result)["passed"] == count
    benchmarks = json.loads((pytester.path / "run.json").read_text())["benchmarks"]
    assert [benchmark["fullname"] for benchmark in benchmarks] == names
    results = json.loads((pytester.path / "results.json").read_text())
    assert {test["test"] for test in results["tests"]} == set(names)
    rows = [text for text in result.outlines if text.startswith("test_sleeping[") and " % " in text]
    assert len(rows) == count
    page = (pytester.path / "page.html").read_text()
    assert all(name in page for name in names)
    summary = (pytester.path / "summary.md").read_text()
    assert f"{count} training benchmarks" in summary
    assert states[-1].countable == states[count // 4].countable
    seconds = [
        (last.cpu_seconds - first.cpu_seconds) / (count // 4)
        for first, last in (
            (states[count // 4], states[count // 2]),
            (states[-1 - count // 4], states[-1]),
        )
    ]
    print(f"processor seconds per test, second and last quarter: {seconds}")
    assert max(seconds) <= CPU_SECONDS_PER_TEST
    assert seconds[1] <= 1.5 * seconds[0] + 0.01


def test_collecting_thousands_of_benchmarks_takes_little_longer_than_without_traingate(pytester):
    pytester.makepyfile(trainings=TRAININGS.read_text(), test_speed=MANY_TESTS.format(count=3000))

    def collection_seconds(*options):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = pytester.runpytest_subprocess("--collect-only", "-qq", *options)
        assert result.ret == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime

    with_traingate, without = collection_seconds(), collection_seconds("-p", "no:traingate")
    assert with_traingate <= 1.5 * without + 1.0
