"""Runs are saved completely or not at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from comparing_runs import FAST, MEASURE, ONE_MEASURED, SAVING, SLOW, run, saved, text_of

from damages import DAMAGES, contents
from long_cases import some_long

LIMIT_FILES = """
import resource
import sys
import pytest

sys.dont_write_bytecode = True  # else parts of it would stay in the environment of the tests

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def pytest_benchmark_update_json():
    limit(2000)

@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish():
    limit(resource.RLIM_INFINITY)
"""
"""Let the kernel refuse to write more than a number of bytes, as it does where the disk ends."""


def test_a_disk_that_is_full_in_the_middle_of_a_save_fails_the_run_and_leaves_no_damaged_baseline(
    pytester, save
):
    save(FAST)
    before = contents(pytester.path / "stored")
    pytester.makeconftest(LIMIT_FILES)
    reports = ("--junitxml=junit.xml", "--traingate-json=results.json")
    result = run(pytester, ONE_MEASURED, options=(*SAVING, *reports))
    assert result.ret == 1
    assert "ERROR: the run was not saved: [Errno 27] File too large" in text_of(result)
    assert "1 passed" in text_of(result)
    assert "INTERNALERROR" not in text_of(result)
    assert "Traceback" not in text_of(result)
    for folder in (pytester.path / "stored").glob("Linux*"):
        folder.rmdir()  # made by pytest-benchmark, and empty
    assert contents(pytester.path / "stored") == before
    assert "test_sleeping" in (pytester.path / "junit.xml").read_text()
    assert json.loads((pytester.path / "results.json").read_text())["state"] == "failed"


KILL_IN_SAVE = """
import resource, signal, sys

sys.dont_write_bytecode = True

def pytest_benchmark_update_json():
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
"""
"""Let the kernel end Python in the middle of the file, as SIGKILL would: no code of it runs any more."""


def test_a_session_that_is_killed_in_the_middle_of_a_save_leaves_no_part_of_a_baseline(
    pytester, save
):
    save(FAST)
    pytester.makeconftest(KILL_IN_SAVE)
    assert run(pytester, ONE_MEASURED, options=SAVING).ret == -signal.SIGXFSZ
    assert saved(pytester) == []
    (part,) = pytester.path.glob("stored/*/.traingate-*")
    assert part.stat().st_size == 2000
    an_hour_ago = time.time() - 3600
    os.utime(part, (an_hour_ago, an_hour_ago))
    (pytester.path / "conftest.py").unlink()
    assert "1 regressed" in text_of(run(pytester, ONE_MEASURED, "--benchmark-compare"))
    assert run(pytester, ONE_MEASURED, options=SAVING).ret == 0
    assert [file.name for file in saved(pytester)] == ["0002_mine.json"]
    assert not part.exists()


def test_a_storage_that_cannot_be_written_to_fails_the_run_and_says_so(pytester, save):
    """A link to itself is where the folder of this machine should be: root cannot write below it."""
    from pytest_benchmark.utils import get_machine_id

    folder = pytester.path / "stored" / get_machine_id()
    folder.parent.mkdir()
    folder.symlink_to(folder)
    result = run(pytester, ONE_MEASURED, options=(*SAVING, "--traingate-json=results.json"))
    assert result.ret == 1
    tables = json.loads((pytester.path / "results.json").read_text())
    assert tables["state"] == "failed"
    assert "the run was not saved" in tables["problems"][0]
    assert "ERROR: the run was not saved: " in text_of(result)
    assert "Traceback" not in text_of(result)
    assert folder.readlink() == folder


@pytest.mark.parametrize("damage", ["a FIFO", "a link to a device", "a sparse gibibyte"])
def test_pytest_benchmark_is_kept_from_reading_what_would_hang_it_or_fill_the_memory(
    pytester, save, damage
):
    save(FAST)
    path = pytester.path / "stored" / "0001_base.json"
    DAMAGES[damage](path)
    command = [sys.executable, "-m", "pytest", *MEASURE, "--benchmark-compare"]
    pytester.makepyfile(test_speed=ONE_MEASURED)
    process = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert process.returncode == 4
    assert "0001_base.json is damaged: it is" in process.stderr
    assert "Traceback" not in process.stdout + process.stderr


@pytest.mark.parametrize(
    "damage", some_long(["empty", "a folder", "nested deeply"], short=["nested deeply"])
)
def test_a_session_that_compares_with_a_damaged_run_is_refused_and_changes_nothing(
    pytester, save, damage
):
    save(FAST)
    path = pytester.path / "stored" / "0001_base.json"
    path.rename(path.with_name("0000_old.json"))
    save(FAST)
    DAMAGES[damage](path)
    before = contents(pytester.path / "stored")
    result = run(pytester, ONE_MEASURED, "--benchmark-save=mine")
    assert result.ret == 4
    assert "0001_base.json is damaged: " in text_of(result)
    assert "Traceback" not in text_of(result)
    assert contents(pytester.path / "stored") == before


def test_the_storage_may_have_any_name(pytester, save):
    name = "a folder\nwith 日本語 and ' \" $(touch x)"
    options = (*MEASURE[:-1], f"--benchmark-storage={name}", "--benchmark-save=mine")
    assert run(pytester, ONE_MEASURED, options=options).ret == 0
    (file,) = (pytester.path / name).glob("*/*.json")
    assert json.loads(file.read_text())["benchmarks"]
    result = run(pytester, ONE_MEASURED, options=(*options[:-1], "--benchmark-compare"))
    assert "1 stored launch and 1 new one have no spread to judge by" in text_of(result)
    assert not (pytester.path / "x").exists()


ENDINGS = {
    "a key that is no text": "benchmark.extra_info[(1, 2)] = 3",
    "an error": "os.fsync = lambda _: 1 / 0",
    "Ctrl-C": "os.fsync = lambda _: signal.raise_signal(signal.SIGINT)",
    "SIGTERM": "os.fsync = lambda _: signal.raise_signal(signal.SIGTERM)",
    "Ctrl-C at its name": "os.link = lambda *_: signal.raise_signal(signal.SIGINT)",
}
"""Statements of another test that end the save: before it, or when all is written but its name."""

UNFINISHED = """
import os
import signal
from trainings import sleeping

def test_other(benchmark):
    benchmark(int)
    {}
"""


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_save_that_any_exception_interrupts_leaves_no_part_of_a_run(pytester, save, ending):
    result = run(pytester, ONE_MEASURED + UNFINISHED.format(ENDINGS[ending]), options=SAVING)
    assert result.ret != 0
    assert [path for path in pytester.path.rglob("stored/**/*") if path.is_file()] == []


def test_a_run_that_is_not_saved_where_it_should_be_fails(pytester, save):
    pytester.makeconftest(
        "from pytest_benchmark.storage.file import FileStorage\n"
        "FileStorage.save = lambda *arguments: None\n"
    )
    result = run(pytester, ONE_MEASURED, options=SAVING)
    assert result.ret == 1
    assert f"ERROR: no run was saved in {pytester.path}/stored" in text_of(result)


def test_a_run_that_would_have_no_number_is_refused_before_anything_is_measured(pytester, save):
    save(FAST, name="9999_base")
    before = contents(pytester.path / "stored")
    result = run(pytester, ONE_MEASURED, options=SAVING)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "9999_base.json is there, and pytest-benchmark numbers runs up to 9999" in text_of(
        result
    )
    assert "Traceback" not in text_of(result)
    assert contents(pytester.path / "stored") == before
    assert run(pytester, ONE_MEASURED, "--collect-only", options=SAVING).ret == 0
    assert run(pytester, "def test(benchmark): benchmark(int)", options=SAVING).ret == 0


def test_a_complete_run_that_cannot_be_compared_with_fails_the_run_and_is_kept(pytester, save):
    """A plugin that sets the exit status to 0 afterwards changes nothing: all hooks know of it."""
    pytester.makeconftest(
        "import pytest\n"
        "def pytest_benchmark_update_json(output_json):\n"
        "    (benchmark,) = output_json['benchmarks']\n"
        "    benchmark['extra_info']['traingate']['samples_per_second'] = -1.0\n"
        "@pytest.hookimpl(trylast=True)\n"
        "def pytest_sessionfinish(session):\n"
        "    session.exitstatus = 0\n"
    )
    save(SLOW)
    result = run(pytester, ONE_MEASURED, "--benchmark-compare", options=SAVING)
    assert result.ret == 1
    assert " 0 regressed, " in text_of(result)
    assert "the run was saved, but cannot be compared with: " in text_of(result)
    assert "the exit status was set to 0 after this run had failed" in text_of(result)
    assert len(saved(pytester)) == 1


def test_an_error_of_another_hook_is_not_taken_for_one_of_saving(pytester, save):
    result = run(pytester, ONE_MEASURED, options=(*SAVING, "--junitxml=/dev/full"))
    assert result.ret != 0
    assert "No space left on device" in text_of(result)
    assert "the run was not saved" not in text_of(result)
    assert len(saved(pytester)) == 1
