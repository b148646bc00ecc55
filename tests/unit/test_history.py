"""Test the history of benchmarks: which points it has, and which changes it tells."""

from __future__ import annotations

import csv
import io
import json
import subprocess

import msgspec
import pytest
from click.testing import CliRunner

from sample_records import HARDWARE, measurement, save_run
from simulated_launches import noisy_launches
from traingate.cli import main
from traingate.records import Acceptance, Outcome, Verdict
from traingate.records.history import History

TEST = "bench.py::test_tiny"


def git(folder, *arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    command = ["git", *identity, "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Return an empty repository, in which ``commit(subject, level)`` saves a run too."""

    class Repository:
        folder = tmp_path / "project"
        storage = tmp_path / "storage"

        def __init__(self):
            self.folder.mkdir()
            git(self.folder, "init", "-q", "-b", "main")
            self.count = 0

        def commit(self, subject, level=None, **fields):
            git(self.folder, "commit", "-q", "--allow-empty", "-m", subject)
            name = git(self.folder, "rev-parse", "HEAD")
            if level is not None:
                self.save(name, level, **fields)
            return name

        def save(self, commit, level, dirty=False, **fields):
            self.count += 1
            launches = noisy_launches(3, 0.1 / level, 0.02, seed=self.count)
            path = self.storage / f"{self.count:04}_run.json"
            save_run(path, {TEST: measurement(launches, **fields)})
            content = json.loads(path.read_text())
            content["commit_info"] = {"id": commit, "dirty": dirty}
            content["datetime"] = f"2026-11-22T10:00:{self.count:02}"
            path.write_text(json.dumps(content))

        def history(self, *arguments):
            result = CliRunner().invoke(main, ["history", str(self.storage), *arguments])
            return result.exit_code, result.output

        def as_json(self, *arguments):
            status, text = self.history("--format=json", *arguments)
            return status, msgspec.json.decode(text, type=History)

    repository = Repository()
    monkeypatch.chdir(repository.folder)
    return repository


ACCEPTED = Verdict(
    outcome=Outcome.REGRESSED,
    failed=True,
    tolerance_percent=5.0,
    accepted=Acceptance("a better model", "2026-11-22T10:00:00+00:00"),
)


@pytest.fixture
def twenty_commits(repository):
    """Return a repository with creep, a jump that was accepted, and another jump."""
    level = 1.0
    for number in range(6):
        repository.commit(f"flat {number}", level)
    for number in range(5):
        level *= 0.97
        repository.commit(f"creep {number}", level)
    for number in range(3):
        repository.commit(f"flat again {number}", level)
    repository.commit("a better model", level := level * 0.8, verdict=ACCEPTED)
    for number in range(4):
        repository.commit(f"accepted {number}", level)
    repository.commit("a slow loss", level := level * 0.8)
    repository.commit("after it", level)
    return repository


def test_creep_a_jump_and_an_acceptance_are_told_at_their_commits(twenty_commits):
    status, history = twenty_commits.as_json()
    (series,) = history.series
    subjects = [history.commits[point.commit].subject for point in series.points]
    creep, accepted, jump = series.changes
    assert creep.kind == "creep"
    assert subjects[creep.before + 1].startswith(("flat 5", "creep 0", "creep 1"))
    assert subjects[creep.after].startswith(("creep 3", "creep 4", "flat again 0"))
    assert creep.interval[0] < 100 * (0.97**5 - 1) < creep.interval[1]
    assert (accepted.kind, subjects[accepted.after]) == ("jump", "a better model")
    assert accepted.accepted == "a better model"
    assert (jump.kind, subjects[jump.after], jump.accepted) == ("jump", "a slow loss", "")
    assert series.since_anchor.reason == "accepted: a better model"
    assert series.since_anchor.is_loss
    assert status == 1


def test_the_text_names_the_changes(twenty_commits):
    status, text = twenty_commits.history()
    assert status == 1
    assert "  creep of -1" in text
    assert "(a better model); accepted: a better model" in text
    assert "[accepted: a better model]: -2" in text
    assert ": a loss beyond the tolerance" in text


def test_the_newest_tag_is_the_anchor_and_a_named_one_wins(repository):
    repository.commit("first", 1.0)
    old = repository.commit("released", 0.8)
    git(repository.folder, "tag", "-a", "v1.0", "-m", "release")
    for number in range(3):
        repository.commit(f"next {number}", 0.8)
    status, history = repository.as_json()
    assert history.commits[1].tags == ("v1.0",)
    assert history.series[0].since_anchor.reason == "tag v1.0"
    assert status == 0
    status, history = repository.as_json(f"--anchor={old}~1")
    assert (history.series[0].since_anchor.anchor, status) == (0, 1)


def test_an_anchor_that_is_no_ancestor_is_an_error(repository):
    repository.commit("first", 1.0)
    git(repository.folder, "checkout", "-q", "-b", "other")
    elsewhere = repository.commit("elsewhere")
    git(repository.folder, "checkout", "-q", "main")
    repository.commit("second", 1.0)
    status, text = repository.history(f"--anchor={elsewhere}")
    assert status == 2
    assert "is no ancestor" in text


@pytest.mark.parametrize("anchor", ["HEAD", "HEAD~2"])
def test_an_anchor_with_nothing_measured_on_one_side_is_an_error(repository, anchor):
    repository.commit("not measured")
    repository.commit("first", 1.0)
    repository.commit("second", 0.5)
    status, text = repository.history(f"--anchor={anchor}")
    assert status == 2
    assert "nothing was measured both up to" in text


def test_an_accepted_newest_run_is_its_own_anchor(repository):
    for number in range(4):
        repository.commit(f"{number}", 1.0)
    repository.commit("slower", 0.5, verdict=ACCEPTED)
    status, history = repository.as_json()
    assert (status, history.series[0].since_anchor) == (0, None)


def test_a_test_that_is_measured_no_more_fails_nothing(repository):
    machine = msgspec.structs.replace(HARDWARE, cores=8)
    for level in (1.0, 1.0, 0.5, 0.5):
        repository.commit("of another machine", level, machine=machine)
    assert repository.history()[0] == 1
    repository.commit("of this machine", 1.0)
    status, text = repository.history()
    assert status == 0
    assert "(not measured at the newest commit)" in text


def test_a_shallow_clone_is_an_error(repository, tmp_path, monkeypatch):
    for number in range(3):
        repository.commit(f"{number}", 1.0)
    clone = tmp_path / "clone"
    address = repository.folder.as_uri()
    subprocess.run(["git", "clone", "-q", "--depth=1", address, str(clone)], check=True)
    monkeypatch.chdir(clone)
    status, text = repository.history()
    assert status == 2
    assert "git fetch --unshallow" in text


def test_runs_of_one_commit_are_one_point_and_runs_of_other_branches_are_left_out(repository):
    first = repository.commit("first", 1.0)
    repository.save(first, 1.0)
    git(repository.folder, "checkout", "-q", "-b", "other")
    repository.commit("elsewhere", 0.5)
    git(repository.folder, "checkout", "-q", "main")
    repository.save(first, 0.5, dirty=True)
    repository.commit("second", 1.0)
    status, history = repository.as_json()
    (series,) = history.series
    assert [point.launches for point in series.points] == [6, 3]
    assert sorted(history.left_out.values()) == [1, 1]
    assert status == 0
    assert "Left out: 1 runs of" in repository.history()[1]


def test_a_run_that_lies_twice_in_the_storage_counts_once(repository):
    repository.commit("first", 1.0)
    (path,) = repository.storage.iterdir()
    (repository.storage / "0002_copy.json").write_bytes(path.read_bytes())
    (repository.storage / "0003_link.json").symlink_to(path)
    _, history = repository.as_json()
    assert [[point.launches for point in item.points] for item in history.series] == [[3]]


def test_commits_are_in_the_order_of_git_and_not_of_saving(repository):
    names = [repository.commit(f"{number}") for number in range(3)]
    for name in reversed(names):
        repository.save(name, 1.0)
    assert [commit.hash for commit in repository.as_json()[1].commits] == names


def test_another_machine_is_another_series(repository):
    repository.commit("first", 1.0)
    machine = msgspec.structs.replace(HARDWARE, cores=8)
    repository.commit("second", 4.0, machine=machine)
    series = repository.as_json()[1].series
    assert [item.machine for item in series] == [
        "Test CPU (6/207/2), 2 cores",
        "Test CPU (6/207/2), 8 cores",
    ]


def test_a_change_of_the_environment_is_told(repository):
    for number, version in enumerate(["2.8"] * 6 + ["2.9"] * 6):
        level = 1.0 if version == "2.8" else 0.8
        repository.commit(f"{number}", level, environment={"torch": version})
    assert "the environment has changed: torch: 2.8 there, 2.9 here" in repository.history()[1]


def test_tests_are_chosen_by_a_part_of_their_name(repository):
    repository.commit("first", 1.0)
    assert repository.history("--test=tiny")[0] == 0
    status, text = repository.history("--test=large")
    assert status == 2
    assert "has a record for this history" in text


def test_without_a_repository_each_run_is_a_point(repository, tmp_path, monkeypatch):
    repository.commit("first", 1.0)
    repository.save("", 1.0)
    monkeypatch.chdir(tmp_path)
    _, history = repository.as_json()
    assert [commit.hash for commit in history.commits] == ["0001_run.json", "0002_run.json"]
    assert repository.history("--anchor=HEAD")[0] == 2


def test_the_table_has_a_row_for_each_commit(repository, tmp_path):
    repository.commit("a, subject", 1.0)
    repository.commit("second", 1.0)
    rows = [*csv.DictReader(io.StringIO(repository.history("--format=csv")[1]))]
    assert [row["subject"] for row in rows] == ["a, subject", "second"]
    low, value, high = (
        float(rows[0][f"samples_per_second{suffix}"]) for suffix in ("_low", "", "_high")
    )
    assert low < value < high
    assert value == pytest.approx(320, rel=0.1)
    table = tmp_path / "history.csv"
    assert repository.history("--format=csv", f"--output={table}")[0] == 0
    assert table.read_bytes().decode() == repository.history("--format=csv")[1]
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "history.parquet"
    assert repository.history("--format=parquet", f"--output={file}")[0] == 0
    assert parquet.read_table(file).to_pylist()[1]["subject"] == "second"


def test_nonsense_is_an_error_with_status_2(repository):
    assert repository.history()[0] == 2
    repository.commit("first", 1.0)
    assert repository.history("--ref=nothing")[0] == 2
    assert repository.history("--ref=--upload-pack=x")[0] == 2
    assert repository.history("--format=parquet")[0] == 2
    assert repository.history("--output=/nowhere/at/all")[0] == 2
    (repository.storage / "0009_damaged.json").write_text("{")
    status, text = repository.history()
    assert status == 2
    assert "0009_damaged.json is damaged" in text


def test_names_reach_no_terminal_as_control_characters(repository):
    repository.commit("\x1b[31mred\x1b[0m and \u202eback", 1.0)
    for number in range(6):
        repository.commit(f"{number}", 1.0 if number < 3 else 0.5)
    _, text = repository.history()
    assert "red and back" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
