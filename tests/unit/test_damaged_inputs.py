"""Profiles, results, events and environments: a damaged one is an error that names it."""

from __future__ import annotations

import json
import tracemalloc

import msgspec
import pytest
from click.testing import CliRunner
from stored_records import FAILED, record_of

from damages import DAMAGES, as_another_user, contents, public_folder
from sample_records import save_run
from sample_report import profile_of
from traingate.baselines import saved_runs
from traingate.cli import main
from traingate.comparison.acceptance import contains_text
from traingate.environments import created
from traingate.errors import BaselineError, ConfigurationError, DamagedRecordError
from traingate.pull_requests.comment import read_results
from traingate.pull_requests.event import read_pull_request
from traingate.records import Acceptance
from traingate.report.profiles import ProfileFile, read_profiles
from traingate.report.results import suite_results

READERS = {
    "profiles": (
        msgspec.json.encode(ProfileFile(test="a", candidate=profile_of())), read_profiles
    ),
    "results": (msgspec.json.encode(suite_results([])), read_results),
    "event": (
        json.dumps({"pull_request": {
            "number": 1, "base": {"sha": "a"}, "head": {"sha": "b"}, "labels": [], "body": "text",
        }}).encode(),
        lambda path: read_pull_request({"GITHUB_EVENT_PATH": str(path)}),
    ),
}  # fmt: skip
"""Valid content of a file, and the function that reads it, by what it is."""


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_an_error_that_names_it_in_bounded_memory(tmp_path, kind, damage):
    content, read = READERS[kind]
    path = tmp_path / "input.json"
    path.write_bytes(content)
    assert read(path) is not None
    DAMAGES[damage](path)
    if damage == "a folder" and kind == "profiles":
        path = path / "profile.json"  # which the folder lacks
    tracemalloc.start()
    try:
        with pytest.raises(ConfigurationError, match=path.name):
            read(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_difference_to_damaged_profiles_is_an_error_and_changes_nothing(
    tmp_path, monkeypatch, damage
):
    monkeypatch.chdir(tmp_path)
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "profile.json").write_bytes(READERS["profiles"][0])
    DAMAGES[damage](tmp_path / "new" / "profile.json")
    before = contents(tmp_path)
    result = CliRunner().invoke(main, ["diff", "old", "new"])
    assert (result.exit_code, type(result.exception)) == (2, SystemExit), result.output
    assert "new/profile.json" in result.stderr
    assert contents(tmp_path) == before


def test_a_run_in_a_folder_that_may_not_be_written_to_is_not_accepted():
    with public_folder() as folder:
        path = folder / "storage" / "0001_a.json"
        save_run(path, {"bench.py::test_0": record_of(0.1, verdict=FAILED)})
        path.chmod(0o644)
        path.parent.chmod(0o555)
        before = contents(folder)
        with as_another_user(), pytest.raises(BaselineError, match=r"0001_a.json was not changed"):
            saved_runs.accept(path, Acceptance("why", "2026-11-22"))
        assert contents(folder) == before
        path.parent.chmod(0o755)


@pytest.mark.parametrize(("value", "problem"), [(b"9" * 5000, "limit"), (b'"\xff\xfe"', "decode")])
def test_a_run_is_not_accepted_if_python_cannot_read_a_field_that_a_comparison_skips(
    tmp_path, value, problem
):
    path = tmp_path / "0001_a.json"
    save_run(path, {"bench.py::test_0": record_of(0.1, verdict=FAILED)})
    path.write_bytes(path.read_bytes().rstrip()[:-1] + b', "other": ' + value + b"}")
    assert saved_runs.read_run(path).measurements
    before = contents(tmp_path)
    with pytest.raises(DamagedRecordError, match=rf"0001_a.json is damaged: .*{problem}"):
        saved_runs.accept(path, Acceptance("why", "2026-11-22"))
    assert contents(tmp_path) == before


def test_a_benchmark_without_further_values_hinders_no_acceptance(tmp_path):
    path = tmp_path / "0001_a.json"
    save_run(path, {"bench.py::test_0": record_of(0.1, verdict=FAILED)})
    content = json.loads(path.read_text())
    content["benchmarks"].insert(0, {"fullname": "bench.py::test_sum"})
    path.write_text(json.dumps(content))
    acceptance = Acceptance("why", "2026-11-22")
    assert saved_runs.accept(path, acceptance) == ["bench.py::test_0"]


def test_a_module_that_is_nested_too_deeply_has_no_reason_of_an_acceptance():
    assert not contains_text("(" * 100_000 + "'why'" + ")" * 100_000, "why")
    assert not contains_text("+" * 100_000 + "'why'", "why")


@pytest.mark.parametrize("damage", ["empty", "binary", "not UTF-8", "truncated", "UTF-16"])
def test_an_environment_with_a_damaged_description_is_made_anew(tmp_path, monkeypatch, damage):
    """The description says what it was made from; without it, nobody knows."""
    monkeypatch.setenv("TRAINGATE_ENVIRONMENTS", str(tmp_path))
    python = tmp_path / "ipex" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("")
    description = tmp_path / "ipex" / created._DESCRIPTION
    description.write_text('{"a": "b"}')
    DAMAGES[damage](description)
    calls = []
    monkeypatch.setattr(created, "_run_uv", lambda name, *_, on_change: calls.append(name))
    assert created.create_environment("ipex", None, only_if_missing=True) == tmp_path / "ipex"
    assert calls == ["venv", "pip"]
