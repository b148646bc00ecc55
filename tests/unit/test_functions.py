import cProfile
import pstats
import time
from pathlib import Path

import pytest

from traingate.worker.profiling.functions import function_table, is_user_code, profile_samples
from traingate.worker.profiling.onednn_log import parse_reorders

HERE = str(Path(__file__).parent)


def sleepy():
    time.sleep(0.02)


def outer():
    sleepy()
    time.sleep(0.01)


def profiled(function):
    """Return the table of a call of *function*, and the seconds that the call took."""
    profiler = cProfile.Profile()
    start = time.perf_counter()
    profiler.runcall(function)
    elapsed = time.perf_counter() - start
    return function_table(pstats.Stats(profiler).stats, 1, HERE), elapsed


def test_time_in_libraries_belongs_to_the_function_that_calls_them():
    table, elapsed = profiled(outer)
    rows = {row["name"]: row for row in table}
    assert rows["sleepy"]["seconds"] >= 0.02
    assert rows["outer"]["seconds"] >= 0.01
    assert rows["sleepy"]["seconds"] + rows["outer"]["seconds"] <= elapsed
    line = sleepy.__code__.co_firstlineno
    assert rows["sleepy"]["place"] == f"{Path(__file__).name}:{line}"
    assert rows["sleepy"]["calls"] == 1


def test_time_that_passes_through_a_library_is_not_counted_twice():
    rows, elapsed = profiled(lambda: [*filter(lambda _: time.sleep(0.01), range(2))])
    assert 0.02 <= sum(row["seconds"] for row in rows) <= elapsed


def test_deep_stacks_of_libraries_take_little_time():
    """Each function is called by two of the next level: there are 2 to the power of 35 paths."""
    levels = [[("~", 0, f"{side}{depth}") for side in "ab"] for depth in range(35)]
    user = (__file__, 1, "step")
    stats = {user: (1, 1, 0.0, 1.0, {})}
    for functions, callers in zip(levels, [*levels[1:], [user]], strict=True):
        for function in functions:
            by_caller = (1, 1, 1.0 / len(callers), 0.5)
            stats[function] = (1, 1, 1.0, 1.0, dict.fromkeys(callers, by_caller))
    (row,) = function_table(stats, 1, HERE)
    assert row["name"] == "step"
    assert row["seconds"] == pytest.approx(2 * 35)


def test_files_of_python_of_packages_and_of_traingate_are_not_the_users():
    assert is_user_code(__file__)
    for file in (
        "~",
        "<string>",
        time.__name__,
        pstats.__file__,
        profile_samples.__code__.co_filename,
    ):
        assert not is_user_code(file) or file == time.__name__


def test_samples_are_fetched_in_this_process():
    class Data:
        def __len__(self):
            return 3

        def __getitem__(self, index):
            time.sleep(0.005)
            return index

    start = time.perf_counter()
    rows = profile_samples(Data(), 8, HERE)
    assert rows[0]["name"] == "__getitem__"
    assert 0.005 <= rows[0]["seconds"] <= (time.perf_counter() - start) / 3
    assert rows[0]["calls"] == 1


def test_a_data_set_that_cannot_be_read_gives_no_table():
    class Data:
        def __len__(self):
            return 3

        def __getitem__(self, index):
            raise OSError("in the workers alone")

    assert profile_samples(Data(), 8, HERE) == []


def test_reorders_are_read_from_the_lines_of_onednn():
    line = (
        "onednn_verbose,v1,primitive,exec,cpu,reorder,jit:uni,undef,src:f32::blocked:abcd::f0 "
        "dst:f32::blocked:acdb::f0,,,8x64x56x56,{}"
    )
    lines = [
        "onednn_verbose,v1,info,oneDNN v3.7",
        line.format("0.5"),
        line.format("1.5"),
        "onednn_verbose,v1,primitive,exec,cpu,convolution,brg,x,src y,,,8,9",
        "text of the user",
        line.format("cut"),
    ]
    assert parse_reorders(lines) == [
        {
            "layouts": "src:f32::blocked:abcd::f0 dst:f32::blocked:acdb::f0",
            "shape": "8x64x56x56",
            "calls": 2.0,
            "seconds": 0.002,
        }
    ]
