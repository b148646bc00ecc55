"""Sessions that save at once lose nothing, and wait for each other."""

from __future__ import annotations

import subprocess
import sys

from comparing_runs import ONE_MEASURED, SAVING, run, saved, text_of

from traingate.baselines.saved_runs import read_run


def test_two_sessions_that_save_at_once_keep_both_runs(pytester, save):
    """Each takes the next free number, and without a lock both would take the same one."""
    pytester.makepyfile(test_speed=ONE_MEASURED)
    pytester.makeconftest(
        "import os, time\n"
        "from pathlib import Path\n"
        "from pytest_benchmark.storage.file import FileStorage\n"
        "original = FileStorage._next_num.fget\n"
        "def meeting(self):\n"
        "    number = original(self)\n"
        "    Path(f'arrived-{os.getpid()}').touch()\n"
        "    deadline = time.monotonic() + 3\n"  # for the other one, which the lock keeps away
        "    while len(list(Path.cwd().glob('arrived-*'))) < 2 and time.monotonic() < deadline:\n"
        "        time.sleep(0.02)\n"
        "    return number\n"
        "FileStorage._next_num = property(meeting)\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", *SAVING]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert [file.name for file in saved(pytester)] == ["0001_mine.json", "0002_mine.json"]
    assert all(len(read_run(file).measurements) == 1 for file in saved(pytester))


ANOTHER_WRITER = """
import fcntl, os, pathlib
from traingate.baselines import run_saving

run_saving._LOCK_SECONDS = 0.05  # below, another session holds the lock
FOLDER = pathlib.Path("stored")

def pytest_benchmark_update_json():
    (FOLDER / "Linux").mkdir(parents=True, exist_ok=True)
    (FOLDER / "Linux" / "0007_%s.json").write_text('{"benchmarks": [')

def pytest_configure():
    FOLDER.mkdir(exist_ok=True)
    if %s:
        fcntl.flock(os.open(FOLDER, os.O_RDONLY), fcntl.LOCK_EX)
"""


def test_a_file_that_another_session_is_writing_under_the_same_name_stays(pytester, save):
    pytester.makeconftest(ANOTHER_WRITER % ("mine", True))
    result = run(pytester, ONE_MEASURED, options=SAVING)
    assert result.ret == 0
    assert (pytester.path / "stored" / "Linux" / "0007_mine.json").read_text() == '{"benchmarks": ['
    assert len(saved(pytester)) == 2


def test_two_sessions_that_take_one_number_at_once_without_a_lock_keep_both_runs(pytester, save):
    """Not all file systems have locks: whoever comes second takes the next number."""
    pytester.makeconftest(
        "from pytest_benchmark.storage.file import FileStorage\n"
        "original = FileStorage._next_num.fget\n"
        "def overtaken(self):\n"
        "    number = original(self)\n"
        "    if number < '0003':\n"
        "        self.get(f'{number}_mine.json').write_text('of another session')\n"
        "    return number\n"
        "FileStorage._next_num = property(overtaken)\n"
    )
    assert run(pytester, ONE_MEASURED, options=SAVING).ret == 0
    *others, own = saved(pytester)
    assert [file.read_text() for file in others] == ["of another session"] * 2
    assert own.name == "0003_mine.json"
    assert len(read_run(own).measurements) == 1


def test_a_file_that_a_session_without_a_lock_is_writing_is_left_alone(pytester, save):
    """Sessions without traingate take no lock."""
    pytester.makeconftest(ANOTHER_WRITER % ("theirs", False))
    result = run(pytester, ONE_MEASURED, options=SAVING)
    assert result.ret == 0
    assert (pytester.path / "stored" / "Linux" / "0007_theirs.json").exists()
    assert {file.name for file in saved(pytester)} == {"0007_theirs.json", "0001_mine.json"}


def test_a_session_that_saves_other_benchmarks_only_waits_for_the_lock(pytester, save):
    pytester.makeconftest(
        "import fcntl, os\n"
        "def pytest_benchmark_update_json():\n"
        "    folder = os.open('stored', os.O_RDONLY)\n"
        "    try:\n"
        "        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "    except BlockingIOError:\n"
        "        print('it is held')\n"
    )
    other = "def test_other(benchmark):\n    benchmark(int)\n"
    result = run(pytester, other, options=("-s", *SAVING))
    assert result.ret == 0
    assert "it is held" in text_of(result)
