"""Test a worker that takes more memory than its cgroup allows."""

from __future__ import annotations

import contextlib
import re
import time
from pathlib import Path

import pytest
from fault_runs import place, run_faults

LIMIT = 200 << 20
_ROOT = Path("/sys/fs/cgroup")
_TESTS = """
import crashing, trainings

def test_out_of_memory(training_benchmark):
    training_benchmark(crashing.out_of_memory_in_cgroup)

def test_sound(training_benchmark):
    training_benchmark(trainings.sleeping)
"""


@pytest.fixture
def group():
    """Return the folder of a cgroup with a limit of its memory, of either version of cgroups."""
    has_version_2 = (_ROOT / "cgroup.controllers").exists()
    folder = (_ROOT if has_version_2 else _ROOT / "memory") / f"traingate-test-{time.time_ns()}"
    limit = folder / ("memory.max" if has_version_2 else "memory.limit_in_bytes")
    try:
        folder.mkdir()
        limit.write_text(str(LIMIT))
    except OSError as error:
        if folder.exists():
            folder.rmdir()
        pytest.skip(f"no cgroup with a limit of memory can be made here: {error}")
    yield folder
    for _ in range(100):  # for a moment after its last process has ended, it is busy
        with contextlib.suppress(OSError):
            folder.rmdir()
            return
        time.sleep(0.1)
    folder.rmdir()


def test_the_kernel_ends_a_worker_that_takes_more_than_its_cgroup_allows(group):
    with place() as here:
        run = run_faults(here, _TESTS, TRAINGATE_TEST_CGROUP=str(group))
    test = run.tests["test_out_of_memory"]
    expected = r"launch 1 was killed by SIGKILL \(by a person, or by the kernel for lack of memory\) in step 2 of 4"
    assert re.search(expected, test["text"])
    assert "last words of the workload" in test["text"]
    assert {name: each["outcome"] for name, each in run.tests.items()} == {
        "test_out_of_memory": "failed",
        "test_sound": "passed",
    }
    assert (test["processes"], test["folders"]) == ([], [])
    assert run.status == 1
    assert [result["failed"] for result in run.results["tests"]] == [True, False]
