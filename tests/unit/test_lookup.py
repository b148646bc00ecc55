"""The stored measurement that a test is compared with."""

import shutil
from dataclasses import replace

import msgspec
import pytest
from stored_records import (
    ACCEPTANCE,
    COMMIT,
    FAILED,
    OPEN,
    OTHER,
    SUBJECT,
    TEST,
    find_baseline,
    record_of,
)

from sample_records import HARDWARE
from traingate.baselines.index import load_summaries
from traingate.baselines.lookup import Baselines
from traingate.baselines.subject import Subject
from traingate.errors import BaselineError, NewTestError
from traingate.records import Outcome, Verdict


def test_the_newest_comparable_record_is_the_baseline(storage):
    storage("0001_old", record_of(0.1))
    storage("0002_new", record_of(0.2))
    storage("0003_other", record_of(0.3, scale="smoke"))
    baseline = Baselines(load_summaries(str(storage.folder), True)).find(SUBJECT, HARDWARE, TEST)
    assert baseline.measurement == record_of(0.2)
    assert baseline.title == "0002_new.json (2026-11-22 10:00, abcdef012)"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        (
            {"machine": msgspec.structs.replace(HARDWARE, cores=8)},
            "another machine .cores: 8 there, 2 here",
        ),
        (
            {"verdict": Verdict(outcome=Outcome.REGRESSED, failed=True, tolerance_percent=5)},
            "failed its own gate",
        ),
        ({"batch_size": 64}, "No stored run has bench.py::tiny with stack channels_last.input."),
    ],
)
def test_a_run_that_cannot_be_compared_is_refused_with_the_reason(storage, changes, complaint):
    storage("0001_base", record_of(0.1, **changes))
    with pytest.raises(BaselineError, match=complaint) as caught:
        Baselines(load_summaries(str(storage.folder), True)).find(SUBJECT, HARDWARE, TEST)
    assert "--benchmark-save=NAME" in str(caught.value)


def test_a_failed_run_leaves_the_older_baseline_in_its_place(storage):
    storage("0001_good", record_of(0.1))
    storage(
        "0002_bad",
        record_of(
            0.2, verdict=Verdict(outcome=Outcome.REGRESSED, failed=True, tolerance_percent=5)
        ),
    )
    assert Baselines(load_summaries(str(storage.folder), True)).find(
        SUBJECT, HARDWARE, TEST
    ).measurement == record_of(0.1)


def test_a_machine_with_another_amount_of_memory_is_comparable(storage):
    storage("0001", record_of(0.1, machine=msgspec.structs.replace(HARDWARE, memory_bytes=1)))
    storage("0001_base", record_of(0.1, machine=msgspec.structs.replace(HARDWARE, memory_bytes=1)))
    assert Baselines(load_summaries(str(storage.folder), True)).find(SUBJECT, HARDWARE, TEST)


def test_a_run_with_a_failed_record_of_the_subject_is_no_baseline(storage):
    failed = Verdict(outcome=Outcome.REGRESSED, failed=True, tolerance_percent=5)
    storage("0001_good", record_of(0.1))
    storage("0002_mixed", record_of(0.2, verdict=failed), record_of(0.2))
    baseline = Baselines(load_summaries(str(storage.folder), True)).find(SUBJECT, HARDWARE, TEST)
    assert baseline.measurement == record_of(0.1)


def test_of_two_records_the_one_of_the_same_test_is_the_baseline(storage):
    storage("0001_two", record_of(0.1), record_of(0.2))
    baselines = Baselines(load_summaries(str(storage.folder), True))
    assert baselines.find(SUBJECT, HARDWARE, "bench.py::test_0").measurement == record_of(0.1)
    assert baselines.find(SUBJECT, HARDWARE, "renamed").measurement == record_of(0.2)


def test_launches_of_the_same_commit_and_environment_are_pooled(storage):
    storage("0001_first", record_of(0.11), commit=COMMIT)
    storage("0002_other", record_of(0.2), commit=OTHER)
    storage("0003_dirty", record_of(0.3), commit=COMMIT, dirty=True)
    storage("0004_new_torch", record_of(0.4, environment={"torch": "9"}), commit=COMMIT)
    storage("0005_failed", record_of(0.5, verdict=FAILED), commit=COMMIT)
    storage("0006_newest", record_of(0.12), commit=COMMIT)
    baseline = find_baseline(storage)
    assert [item.step_seconds[0] for item in baseline.launches] == [0.11, 0.12]
    assert baseline.commit == COMMIT
    assert baseline.title.endswith("and 1 more of its commit")


@pytest.mark.parametrize("kind", ["copy", "link"])
@pytest.mark.parametrize("name", ["0000_again", "0001_again", "0009_again"])
def test_a_run_that_lies_in_the_storage_twice_counts_once(storage, kind, name):
    storage("0001_first", record_of(0.11), commit=COMMIT)
    storage("0002_newest", record_of(0.12), commit=COMMIT)
    for run in ("0001_first", "0002_newest"):
        (file,) = storage.folder.rglob(f"{run}.json")
        again = file.with_name(f"{name}_{run}.json")
        if kind == "link":
            again.symlink_to(file)
        else:
            shutil.copyfile(file, again)
    baseline = find_baseline(storage)
    assert sorted(item.step_seconds[0] for item in baseline.launches) == [0.11, 0.12]
    assert baseline.title.endswith("and 1 more of its commit")


def test_launches_with_another_library_of_the_yardstick_are_not_pooled(storage):
    storage("0001_other", record_of(0.1, yardstick="numpy 1.26, mkl"), commit=COMMIT)
    storage("0002_first", record_of(0.11, yardstick="numpy 2.3, openblas"), commit=COMMIT)
    storage("0003_newest", record_of(0.12, yardstick="numpy 2.3, openblas"), commit=COMMIT)
    assert [item.step_seconds[0] for item in find_baseline(storage).launches] == [0.11, 0.12]


@pytest.mark.parametrize("run", [{"commit": COMMIT, "dirty": True}, {"commit": "unversioned"}])
def test_runs_without_a_clean_commit_are_not_pooled(storage, run):
    storage("0001_first", record_of(0.11), **run)
    storage("0002_newest", record_of(0.12), **run)
    baseline = find_baseline(storage)
    assert baseline.commit is None
    assert baseline.launches == record_of(0.12).launches


def test_an_inconclusive_record_is_no_baseline_while_an_older_fit_one_is_there(storage):
    storage("0001_fit", record_of(0.1))
    storage("0002_open", record_of(0.2, verdict=OPEN))
    storage("0003_open", record_of(0.3, verdict=OPEN))
    assert find_baseline(storage).measurement == record_of(0.1)


@pytest.mark.parametrize(
    "older",
    [
        {"verdict": FAILED},
        {"machine": msgspec.structs.replace(HARDWARE, cores=8)},
        {"scale": "smoke"},
    ],
)
def test_an_inconclusive_record_is_the_baseline_if_no_older_one_is_fit(storage, older):
    storage("0001_unfit", record_of(0.1, **older))
    storage("0002_open", record_of(0.2, verdict=OPEN))
    storage("0003_newest", record_of(0.3, verdict=OPEN))
    assert find_baseline(storage).measurement == record_of(0.3, verdict=OPEN)


def test_an_accepted_inconclusive_record_is_a_baseline(storage):
    accepted = msgspec.structs.replace(OPEN, failed=True, accepted=ACCEPTANCE)
    storage("0001_fit", record_of(0.1))
    storage("0002_accepted", record_of(0.2, verdict=accepted))
    assert find_baseline(storage).measurement == record_of(0.2, verdict=accepted)


@pytest.mark.parametrize(
    ("verdict", "pooled"),
    [
        (OPEN, [0.1, 0.3]),
        (msgspec.structs.replace(OPEN, accepted=ACCEPTANCE), [0.1, 0.2, 0.3]),
    ],
    ids=["open", "accepted"],
)
def test_an_inconclusive_record_is_no_part_of_a_baseline_unless_it_is_accepted(
    storage, verdict, pooled
):
    storage("0001_fit", record_of(0.1), commit=COMMIT)
    storage("0002_open", record_of(0.2, verdict=verdict), commit=COMMIT)
    storage("0003_fit", record_of(0.3), commit=COMMIT)
    assert [item.step_seconds[0] for item in find_baseline(storage).launches] == pooled


@pytest.mark.parametrize("records", [(FAILED, None), (None, FAILED)])
def test_a_run_that_repeats_a_failed_test_is_no_baseline_whatever_the_repetition_says(
    storage, records
):
    storage("0001_good", record_of(0.1), commit=COMMIT)
    path = storage("0002_rerun", *(record_of(0.2, verdict=item) for item in records), commit=COMMIT)
    path.write_text(path.read_text().replace("bench.py::test_1", TEST))
    assert find_baseline(storage).measurement == record_of(0.1)
    storage("0003_newest", record_of(0.3), commit=COMMIT)
    assert [item.step_seconds[0] for item in find_baseline(storage).launches] == [0.1, 0.3]


OTHER_MACHINE = msgspec.structs.replace(HARDWARE, cpu="Other CPU")
HERE = {"python": "3.11.7", "packages": {"helper": "1.0"}}
UPGRADED = {"python": "3.11.7", "packages": {"helper": "2.0"}}


def find_with(storage, subject=SUBJECT, test=TEST, **options):
    runs = load_summaries(str(storage.folder), True)
    return Baselines(runs).find(subject, HARDWARE, test, **options)


def test_the_newest_run_of_the_same_environment_is_preferred(storage):
    storage("0001_older", record_of(0.1, environment=HERE))
    storage("0002_same", record_of(0.2, environment=HERE))
    storage("0003_upgraded", record_of(0.3, environment=UPGRADED))
    subject = replace(SUBJECT, environment=HERE)
    assert find_with(storage, subject).title.startswith("0002_same")
    assert find_with(storage).title.startswith("0003_upgraded")  # before the first launch


def test_without_a_run_of_the_same_environment_the_newest_is_the_baseline(storage):
    storage("0001_older", record_of(0.1, environment=HERE))
    storage("0002_newer", record_of(0.2, environment=HERE))
    subject = replace(SUBJECT, environment=UPGRADED)
    assert find_with(storage, subject).title.startswith("0002_newer")


def test_the_obstacle_of_the_newest_run_is_reported(storage):
    storage("0001_old", record_of(0.1, machine=OTHER_MACHINE))
    storage("0002_failed", record_of(0.2, verdict=FAILED))
    with pytest.raises(BaselineError, match=r"0002_failed.*traingate accept .*0002_failed"):
        find_with(storage)


def test_a_run_of_another_machine_is_a_baseline_for_a_duet_if_its_commit_is_known(storage):
    storage("0001_clean", record_of(0.1, machine=OTHER_MACHINE), commit=COMMIT)
    storage("0002_dirty", record_of(0.2, machine=OTHER_MACHINE), commit=COMMIT, dirty=True)
    baseline = find_with(storage, can_measure_commit=COMMIT.__eq__)
    assert baseline.title.startswith("0001_clean")
    assert baseline.machine_differences == ("CPU: Other CPU there, Test CPU (6/207/2) here",)
    with pytest.raises(BaselineError, match=r"0002_dirty.*is of another machine"):
        find_with(storage)


def test_of_runs_of_another_machine_one_whose_commit_is_in_git_is_the_baseline(storage):
    storage("0001_in_git", record_of(0.1, machine=OTHER_MACHINE), commit=COMMIT)
    storage("0002_gone", record_of(0.2, machine=OTHER_MACHINE), commit=OTHER)
    baseline = find_with(storage, can_measure_commit=COMMIT.__eq__)
    assert baseline.title.startswith("0001_in_git")
    with pytest.raises(BaselineError, match=rf"0002_gone.*{OTHER} .*git fetch --unshallow"):
        find_with(storage, can_measure_commit=lambda _commit: False)


def test_a_run_of_this_machine_is_preferred_to_a_newer_one_of_another(storage):
    storage("0001_here", record_of(0.1, environment=UPGRADED), commit=COMMIT)
    storage("0002_there", record_of(0.2, machine=OTHER_MACHINE, environment=HERE), commit=OTHER)
    subject = replace(SUBJECT, environment=HERE)
    baseline = find_with(storage, subject, can_measure_commit=OTHER.__eq__)
    assert baseline.title.startswith("0001_here")
    assert baseline.machine_differences == ()


def test_only_dirty_runs_of_another_machine_are_refused_at_once(storage):
    storage("0001_dirty", record_of(0.1, machine=OTHER_MACHINE), commit=COMMIT, dirty=True)
    with pytest.raises(BaselineError, match="All saved runs are of another machine"):
        Baselines(load_summaries(str(storage.folder), True)).check_machines(HARDWARE)
    storage("0002_clean", record_of(0.1, machine=OTHER_MACHINE), commit=COMMIT)
    Baselines(load_summaries(str(storage.folder), True)).check_machines(HARDWARE)


def test_a_test_of_which_nothing_is_stored_is_new(storage):
    storage("0001_base", record_of(0.1))
    subject = Subject("bench.py::other", SUBJECT.stack, "quick")
    with pytest.raises(NewTestError, match="--traingate-on-missing=record"):
        find_with(storage, subject, "bench.py::test_other")


@pytest.mark.parametrize(
    ("stored", "test"),
    [
        ({"batch_size": 64}, TEST),
        ({"scale": "smoke"}, "bench.py::renamed"),
        ({"stack": ()}, TEST),
        ({"verdict": FAILED}, TEST),
        ({"machine": OTHER_MACHINE}, TEST),
    ],
    ids=["batch size", "scale", "stack", "failed", "machine"],
)
def test_a_test_of_which_something_else_is_stored_is_not_new(storage, stored, test):
    storage("0001_base", record_of(0.1, **stored))
    with pytest.raises(BaselineError, match="0001_base") as caught:
        find_with(storage, test=test, can_measure_commit=COMMIT.__eq__)
    assert not isinstance(caught.value, NewTestError)
    assert "on-missing" not in str(caught.value)
