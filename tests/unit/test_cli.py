import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from stored_records import FAILED, record_of

from sample_records import measurement
from simulated_launches import launch
from traingate.cli import main
from traingate.records import to_json


def save(path, *records):
    benchmarks = [
        {"fullname": f"bench.py::test_{n}[nchw]", "extra_info": {"traingate": to_json(record)}}
        for n, record in enumerate(records)
    ]
    path.write_text(json.dumps({"benchmarks": benchmarks}))
    return str(path)


def steady_record(seconds, **changes):
    factors = (0.999, 1.0, 1.001, 1.0)
    return measurement([launch([seconds * factor] * 5) for factor in factors], **changes)


@pytest.mark.parametrize(
    ("seconds", "status", "text"),
    [(0.1, 0, "PASSED"), (0.2, 1, "REGRESSED: throughput is 50.0 % lower")],
)
def test_the_exit_status_reports_a_regression(tmp_path, seconds, status, text):
    first, second = (
        save(tmp_path / "a.json", steady_record(0.1)),
        save(tmp_path / "b.json", steady_record(seconds)),
    )
    result = CliRunner().invoke(main, ["compare", first, second])
    assert result.exit_code == status
    assert text in result.output


def test_the_exit_status_is_2_if_nothing_can_be_compared(tmp_path):
    first = save(tmp_path / "a.json", steady_record(0.1))
    second = save(tmp_path / "b.json", steady_record(0.1, batch_size=64))
    result = CliRunner().invoke(main, ["compare", first, second])
    assert result.exit_code == 2
    assert "NO_BASELINE: No stored run has" in result.output
    assert "Not all of" in result.output


def test_single_launches_are_not_compared_and_a_missing_test_is_reported(tmp_path):
    single = measurement([launch([0.1] * 5)])
    first, second = save(tmp_path / "a.json", single, single), save(tmp_path / "b.json", single)
    result = CliRunner().invoke(main, ["compare", first, second])
    assert result.exit_code == 2
    assert "no spread to judge by" in result.output
    assert "test_1[nchw]\nis in" in result.output


def test_a_test_that_the_second_run_lacks_is_not_compared_and_fails(tmp_path):
    record = steady_record(0.1)
    first, second = save(tmp_path / "a.json", record, record), save(tmp_path / "b.json", record)
    result = CliRunner().invoke(main, ["compare", first, second])
    assert result.exit_code == 2
    assert "PASSED" in result.output
    assert "test_1[nchw]\nis in" in result.output
    assert f"Not all of {first} is in {second}" in result.output
    slower = save(tmp_path / "c.json", steady_record(0.2))
    assert CliRunner().invoke(main, ["compare", first, slower]).exit_code == 1


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    damaged = tmp_path / "a.json"
    damaged.write_text("{")
    result = CliRunner().invoke(main, ["report", str(damaged)])
    assert result.exit_code == 2
    assert "a.json is damaged" in result.output
    assert CliRunner().invoke(main, ["report", str(tmp_path / "none.json")]).exit_code == 2


def test_report_shows_the_table_with_speed_up_over_plain(tmp_path):
    path = save(
        tmp_path / "a.json",
        steady_record(0.1, stack=(), samples_per_second=320.0),
        steady_record(0.05, samples_per_second=640.0),
    )
    result = CliRunner().invoke(main, ["report", path])
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0].split() == [
        "test",
        "stack",
        "step",
        "ms",
        "samples/s",
        "x",
        "plain",
        "roofline",
        "peak",
        "RSS",
    ]
    assert lines[1].startswith("test_0[nchw]")
    assert "1.00" in lines[1]
    assert "2.00" in lines[2]
    picture = tmp_path / "table.svg"
    assert CliRunner().invoke(main, ["report", path, "--svg", str(picture)]).exit_code == 0
    assert "test_1" in picture.read_text()
    assert "url(" not in picture.read_text().replace(
        "url(#", ""
    )  # the picture refers to no other file


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_a_script_that_completes_commands_and_saved_runs(shell, storage, monkeypatch):
    script = CliRunner().invoke(main, ["completion", shell])
    assert script.exit_code == 0
    assert f"_TRAINGATE_COMPLETE={shell}_complete" in script.output
    storage("0001_base", record_of(0.1))
    words = f"traingate show --storage {storage.folder} 00"
    monkeypatch.setenv("_TRAINGATE_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", "00" if shell == "fish" else "4")
    completed = CliRunner().invoke(main, [], prog_name="traingate")
    assert "0001_base" in completed.output


def test_a_saved_run_is_shown_with_its_verdict_and_launches(storage):
    storage("0001_base", record_of(0.1, verdict=FAILED), record_of(0.2))
    result = CliRunner().invoke(main, ["show", "--storage", str(storage.folder)])
    assert result.exit_code == 0
    assert "bench.py::test_0" in result.output
    assert "launch 1" in result.output
    assert "Test CPU (6/207/2), 2 cores" in result.output
    as_json = ["show", "0001", "--storage", str(storage.folder), "--test=test_1", "--format=json"]
    (content,) = json.loads(CliRunner().invoke(main, as_json).output)
    assert content["test"] == "bench.py::test_1"
    missing = CliRunner().invoke(
        main, ["show", "0001", "--storage", str(storage.folder), "--test=x"]
    )
    assert missing.exit_code == 2


def test_a_command_starts_without_scipy_and_pytest():
    """Either takes most of a second to import, and few commands need them."""
    program = (
        "import sys, traingate.cli; "
        "print([name for name in ('scipy', 'pytest') if name in sys.modules])"
    )
    printed = subprocess.check_output([sys.executable, "-c", program], text=True)
    assert printed == "[]\n"
