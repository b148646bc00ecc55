"""Runs of strangers in sessions that compare: pytest-benchmark reads and prints the same files."""

from __future__ import annotations

import json
import resource
import subprocess
import sys

import pytest
from comparing_runs import FAST, MEASURE, ONE_MEASURED, run, text_of

from long_cases import some_long
from sample_records import STATISTICS

NAME = "x\n::error file=a.py::injected\n\x1b]0;title\x07"


@pytest.fixture
def stored(pytester, save):
    """``stored(change)``: the stored run, after a function has changed its only benchmark."""
    save(FAST)
    path = pytester.path / "stored" / "0001_base.json"

    def write(change):
        content = json.loads(path.read_text())
        (benchmark,) = content["benchmarks"]
        benchmark["stats"] = dict(STATISTICS)
        change(content, benchmark)
        path.write_text(json.dumps(content))
        return path

    return write


def test_the_texts_of_a_run_do_not_reach_the_terminal(pytester, stored):
    def inject(_content, benchmark):
        benchmark["stats"] |= {"name": NAME, "fullname": NAME, "group": NAME, "outliers": NAME}
        benchmark["name"] = benchmark["group"] = NAME

    stored(inject)
    result = run(pytester, ONE_MEASURED, "--benchmark-group-by=name", "--benchmark-verbose")
    assert "compared, " in text_of(result)
    assert "injected" not in text_of(result)
    assert "\x1b]0" not in text_of(result)


def test_a_file_name_with_control_characters_is_refused(pytester, stored):
    path = stored(lambda _content, _benchmark: None)
    path.rename(path.with_name("0002_x\n::error::injected\n.json"))
    result = run(pytester)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "its name has control characters" in text_of(result)
    assert not any(line.startswith("::error") for line in text_of(result).splitlines())


def test_a_folder_name_with_control_characters_is_refused(pytester, stored):
    path = stored(lambda _content, _benchmark: None)
    folder = path.parent / "Linux\n::error::injected\n"
    folder.mkdir()
    path.rename(folder / path.name)
    result = run(pytester)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "its name has control characters" in text_of(result)
    assert not any(line.startswith("::error") for line in text_of(result).splitlines())


def _without_statistics(_content, benchmark):
    benchmark["stats"] = {"ops": 1}


def _with_a_text(_content, benchmark):
    benchmark["stats"]["min"] = "fast"


def _with_null(_content, benchmark):
    benchmark["stats"]["iqr"] = None


def _without_iterations(_content, benchmark):
    del benchmark["stats"]["iterations"]


def _with_a_huge_integer(_content, benchmark):
    benchmark["stats"]["min"] = 10**400


DAMAGES = [_without_statistics, _with_a_text, _with_null, _without_iterations, _with_a_huge_integer]


@pytest.mark.parametrize("change", some_long(DAMAGES, short=[_with_null, _without_iterations]))
def test_statistics_that_pytest_benchmark_cannot_show_do_not_end_the_session(
    pytester, stored, change
):
    """traingate compares by its own record, which is whole."""
    stored(change)
    result = run(pytester)
    assert "INTERNALERROR" not in text_of(result)
    assert "Traceback" not in text_of(result)
    assert "1 compared" in text_of(result)


@pytest.mark.parametrize("change", [_without_iterations, _with_a_huge_integer])
def test_limits_of_pytest_benchmark_that_have_no_statistics_to_judge_by_are_an_error(
    pytester, stored, change
):
    path = stored(change)
    result = run(pytester, ONE_MEASURED, "--benchmark-compare-fail=min:99999%")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"{path.name} is damaged: --benchmark-compare-fail cannot judge" in text_of(result)
    assert "Traceback" not in text_of(result)


@pytest.mark.parametrize("quiet", [(), ("-p", "no:terminal"), ("--no-summary",)], ids=" ".join)
def test_limits_without_a_comparison_are_refused_before_anything_is_measured(pytester, quiet):
    """pytest-benchmark refuses them with its tables alone."""
    result = run(pytester, ONE_MEASURED, "--benchmark-compare-fail=min:5%", *quiet, options=MEASURE)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    if not quiet:
        assert "--benchmark-compare-fail needs --benchmark-compare" in text_of(result)


@pytest.mark.parametrize(
    "unmeasured",
    some_long([("--benchmark-disable",), ("--benchmark-skip",), ("-n2",)], short=[("-n2",)]),
    ids=" ".join,
)
def test_limits_without_a_comparison_are_let_through_where_nothing_is_measured(
    pytester, unmeasured
):
    test = "def test_model(training_benchmark): pass"
    result = run(pytester, test, "--benchmark-compare-fail=min:5%", *unmeasured, options=())
    assert result.ret == 0


def _without_name(_content, benchmark):
    del benchmark["fullname"]


def _with_a_list_as_name(_content, benchmark):
    benchmark["fullname"] = []


def _without_information(_content, benchmark):
    benchmark["extra_info"] = None


def _without_machine(content, benchmark):
    content.pop("machine_info", None)
    benchmark["extra_info"] = 5


@pytest.mark.parametrize(
    "change",
    some_long(
        [_without_name, _with_a_list_as_name, _without_information, _without_machine],
        short=[_with_a_list_as_name, _without_machine],
    ),
)
def test_a_run_of_wrong_types_is_an_error_that_names_it(pytester, stored, change):
    path = stored(change)
    result = run(pytester)
    assert "INTERNALERROR" not in text_of(result)
    assert "Traceback" not in text_of(result)
    assert result.ret in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.USAGE_ERROR}
    assert path.name in text_of(result)


@pytest.mark.parametrize(
    "values", ["{}," * 8_000_001, ("[" * 400 + "]" * 400 + ",") * 40_000], ids=["flat", "nested"]
)
def test_a_run_of_very_many_values_does_not_fill_the_memory(pytester, save, values):
    pytester.makepyfile(test_speed=ONE_MEASURED)
    path = pytester.path / "stored" / "0001_base.json"
    path.parent.mkdir()
    path.write_text('{"benchmarks": [], "traingate": [' + values + "{}]}")
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *MEASURE, "--benchmark-compare"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (800 << 20, 800 << 20)),
    )
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR, ended.stdout + ended.stderr
    assert "0001_base.json is damaged: it has more than 16,000,000 values" in ended.stderr


def test_a_password_in_the_address_of_a_storage_is_masked(pytester, save):
    address = "elasticsearch+https://user:very-secret@host/index/type"
    options = (*MEASURE[:3], f"--benchmark-storage={address}", "--traingate-html=page.html")
    result = run(pytester, ONE_MEASURED, "--benchmark-compare", options=options)
    page = pytester.path / "page.html"
    text = text_of(result) + (page.read_text() if page.exists() else "")
    assert "very-secret" not in text


TWO = """
from trainings import sleeping

def test_sleeping(training_benchmark):
    training_benchmark(sleeping)

def test_other(training_benchmark):
    training_benchmark(sleeping)
"""


def test_a_test_that_measures_what_another_one_did_was_edited_and_fails(pytester, save):
    """The run has both tests, one of them of another workload."""
    save(FAST, "test_speed.py::test_other", workload="trainings.py::other", name="0001_base")
    other = json.loads((pytester.path / "stored" / "0001_base.json").read_text())
    save(FAST, "test_speed.py::test_sleeping", name="0001_base")
    both = json.loads((pytester.path / "stored" / "0001_base.json").read_text())
    both["benchmarks"] += other["benchmarks"]
    (pytester.path / "stored" / "0001_base.json").write_text(json.dumps(both))
    result = run(pytester, TWO)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "has test_speed.py::test_other as trainings.py::other" in text_of(result)
    assert "1 compared" in text_of(result)
