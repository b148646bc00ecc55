"""Test that a session's own process does not grow with the launches and the tests of its run."""

from __future__ import annotations

import json
import pstats
import sys
from dataclasses import dataclass

import msgspec
import pytest
from comparing_runs import OPTIONS, SLOW, line
from workers import TRAININGS, git

LAUNCHES = {"short": 32, "long": 300}
"""Launches of one session; each test of the session has at least eight. The short form has four
tests, since the first two import modules and fill caches."""

BENCHMARKS = {"short": 8, "long": 200}
"""Training benchmarks of one session."""

SIZES = ("short", pytest.param("long", marks=pytest.mark.long))

RSS_BYTES_PER_LAUNCH = 40_000
"""Growth of the resident set that is allowed: records and reports of tests are kept until the end."""

STATE_HOOK = """
import gc, json, os, sys, tempfile, threading
from pathlib import Path
import psutil
import pytest

calls = 0

def count(frame, event, argument):
    global calls
    calls += event == "call"

@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    sys.setprofile(count)
    try:
        return (yield)
    finally:
        sys.setprofile(None)

def pytest_runtest_logfinish(nodeid, location):
    gc.collect()
    process = psutil.Process()
    state = {
        "rss_bytes": process.memory_info().rss,
        "calls": calls,
        "descriptors": process.num_fds(),
        "threads": threading.active_count(),
        "children": len(process.children(recursive=True)),
        "temporary_files": sum(1 for _ in Path(tempfile.gettempdir()).rglob("*")),
    }
    with open("states.jsonl", "a") as file:
        file.write(json.dumps(state) + chr(10))
"""
"""A conftest.py that writes the state of pytest's process after each test.

It counts the calls of functions: processor time would depend on what else the machine does.
"""

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
    calls: int
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
    """Return a function that returns the result of so many training benchmarks, and the states."""
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
    benchmarks = json.loads((pytester.path / "run.json").read_text())["benchmarks"]
    records = [benchmark["extra_info"]["traingate"] for benchmark in benchmarks]
    launches = [len(record["launches"]) + 2 * len(record["duet"]["pairs"]) for record in records]
    assert sum(launches) >= LAUNCHES[size]
    # The first tests import modules, and fill caches that the others use.
    first = tests // 4
    settled, last, later = states[first], states[-1], sum(launches[first + 1 :])
    assert last.countable == settled.countable
    growth = last.rss_bytes - settled.rss_bytes
    print(f"{later} later launches, {growth / later:.0f} bytes per launch")
    assert growth <= RSS_BYTES_PER_LAUNCH * later


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
    counts = line(result)
    assert counts["compared"] == counts["passed"] + counts["open"] == count
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
    calls = [
        (last.calls - first.calls) / (count // 4)
        for first, last in (
            (states[count // 4], states[count // 2]),
            (states[-1 - count // 4], states[-1]),
        )
    ]
    print(f"calls per test, second and last quarter: {calls}")
    assert 0 < calls[1] <= 1.5 * calls[0]


def test_collecting_many_benchmarks_takes_little_longer_than_without_traingate(pytester):
    pytester.makepyfile(trainings=TRAININGS.read_text())
    few, many = 100, 1100

    def calls(count, *options):
        pytester.makepyfile(test_speed=MANY_TESTS.format(count=count))
        profile = ("-m", "cProfile", "-o", "calls", "-m", "pytest")
        result = pytester.run(sys.executable, *profile, "--collect-only", "-qq", *options)
        assert result.ret == 0
        return pstats.Stats("calls").total_calls

    def calls_per_test(*options):
        return (calls(many, *options) - calls(few, *options)) / (many - few)

    with_traingate, without = calls_per_test(), calls_per_test("-p", "no:traingate")
    print(f"calls per test that is collected: {with_traingate:.0f}, and {without:.0f} without")
    assert with_traingate <= 2 * without
