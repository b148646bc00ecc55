"""Saved runs: which are read, what damages them, and how a person accepts them."""

import json
import re
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from stored_records import (
    ACCEPTANCE,
    COMMIT,
    FAILED,
    OPEN,
    SUBJECT,
    TEST,
    find_baseline,
    record_of,
)

from sample_records import HARDWARE
from traingate.baselines import saved_runs
from traingate.baselines.index import load_summaries
from traingate.baselines.lookup import Baselines
from traingate.errors import BaselineError, DamagedRecordError, NoRunError
from traingate.records import SCHEMA
from traingate.untrusted.locks import locked


@pytest.mark.parametrize("selection", ["0001", "0001_old", "Linux*/0001_old", "0001*"])
def test_a_run_is_selected_as_pytest_benchmark_does(storage, selection):
    storage("0001_old", record_of(0.1))
    storage("0002_new", record_of(0.2))
    baseline = Baselines(load_summaries(f"file://{storage.folder}", selection)).find(
        SUBJECT, HARDWARE, TEST
    )
    assert baseline.measurement == record_of(0.1)


def test_a_run_is_selected_by_its_path(storage, tmp_path):
    path = storage("0001_old", record_of(0.1))
    assert Baselines(load_summaries(str(tmp_path / "nowhere"), str(path))).find(
        SUBJECT, HARDWARE, TEST
    )


def test_an_empty_storage_and_a_selection_without_a_match_are_errors(storage, tmp_path):
    with pytest.raises(NoRunError, match="No saved run in"):
        load_summaries(str(tmp_path), True)
    with pytest.raises(NoRunError, match="No saved run matches '0009'"):
        load_summaries(str(tmp_path), "0009")


def test_the_newest_run_is_the_latest_by_date_not_by_number(storage):
    old, new = storage("0009_old", record_of(0.1)), storage("0002_new", record_of(0.2))
    other = new.parents[1] / "Linux-CPython-3.12-64bit"
    other.mkdir()
    new = new.rename(other / new.name)
    new.write_text(new.read_text().replace("2026-11-22", "2026-11-23"))
    assert old.exists()
    baseline = Baselines(load_summaries(str(storage.folder), True)).find(SUBJECT, HARDWARE, TEST)
    assert baseline.measurement == record_of(0.2)


@pytest.mark.parametrize(
    ("damage", "detail"),
    [
        (lambda text: text[: len(text) // 2], "truncated"),
        (
            lambda text: text.replace('"first_step_seconds": 0.5', '"first_step_seconds": "0.5"'),
            "Expected `float`",
        ),
        (
            lambda text: text.replace('"first_step_seconds": 0.5', '"first_step_seconds": -0.5'),
            "Expected `float` > 0",
        ),
        (
            lambda text: text.replace('"first_step_seconds"', '"last_step_seconds"'),
            "last_step_seconds",
        ),
        (
            lambda text: text.replace('"steps_per_round": [', '"steps_per_round": [7,'),
            "do not add up",
        ),
        (
            lambda text: text.replace(f'"schema": {SCHEMA}', '"schema": 99'),
            "Upgrade pytest-traingate",
        ),
        (lambda text: "[]", "Expected `object`"),
        (lambda text: "", "truncated"),
    ],
)
def test_a_damaged_file_is_named_with_the_detail(storage, damage, detail):
    path = storage("0001_base", record_of(0.1))
    path.write_text(damage(path.read_text()))
    with pytest.raises(DamagedRecordError) as caught:
        load_summaries(str(storage.folder), True)
    assert "0001_base.json" in str(caught.value)
    assert detail in str(caught.value)


@pytest.mark.parametrize(
    "other",
    [
        '{"fullname": "a", "stats": {"stddev": NaN}, "extra_info": {"loss": -Infinity}}',
        '{"fullname": "a", "extra_info": {"text": "\\ud800", "traingated": NaN}}',
        '{"fullname": "a", "name": "without extra_info"}',
    ],
)
def test_what_another_benchmark_has_in_the_same_file_damages_nothing(storage, other):
    path = storage("0001_base", record_of(0.1))
    text = path.read_text()
    assert text.count('"benchmarks": [') == 1
    path.write_text(text.replace('"benchmarks": [', f'"benchmarks": [{other}, '))
    assert len(find_baseline(storage).launches) == 1


def test_surrogates_in_a_record_are_read_as_the_escapes_that_a_worker_now_has(storage):
    """Other texts would differ from those of a run that has the same variables."""
    path = storage("0001_base", record_of(0.1))
    text = path.read_text()
    path.write_text(text.replace('"environment": {', '"environment": {"a\\udcff": "\\ud800b", '))
    environment = saved_runs.read_run(path).measurements[0][1].environment
    assert environment["a\\udcff"] == "\\ud800b"


def test_nan_in_a_record_is_damage(storage):
    path = storage("0001_base", record_of(0.1))
    text = re.sub(r'"samples_per_second": [0-9.]+', '"samples_per_second": NaN', path.read_text())
    assert "NaN" in text
    path.write_text(text)
    with pytest.raises(DamagedRecordError, match="Expected `float`, got `null`"):
        load_summaries(str(storage.folder), True)


@pytest.mark.parametrize(
    "published", [None, {"samples_per_second": 9.12, "source": "an article", "derived": True}]
)
def test_a_record_of_the_first_schema_is_still_a_baseline(storage, published):
    path = storage("0001_base", record_of(0.1))
    content = json.loads(path.read_text())
    record = content["benchmarks"][0]["extra_info"]["traingate"]
    record |= {"schema": 1, "published": published}
    del record["launches"][0]["rank_step_seconds"]
    path.write_text(json.dumps(content))
    baseline = (
        Baselines(load_summaries(str(storage.folder), True))
        .find(SUBJECT, HARDWARE, TEST)
        .measurement
    )
    assert baseline.step_seconds == record_of(0.1).step_seconds
    assert [figure.samples_per_second for figure in baseline.published] == [9.12] * bool(published)


def test_ranks_that_did_not_take_each_step_are_a_damaged_record(storage):
    path = storage("0001_base", record_of(0.1))
    text = path.read_text().replace('"rank_step_seconds": []', '"rank_step_seconds": [[0.1]]')
    path.write_text(text)
    with pytest.raises(DamagedRecordError, match="each rank and each phase has each step"):
        saved_runs.read_run(path)


def test_a_launch_without_visits_of_the_yardstick_is_a_damaged_record(storage):
    path = storage("0001_base", record_of(0.1))
    content = json.loads(path.read_text())
    stored_launch = content["benchmarks"][0]["extra_info"]["traingate"]["launches"][0]
    stored_launch |= {"gemm_seconds": [], "triad_seconds": [], "yardstick_seconds": []}
    path.write_text(json.dumps(content))
    with pytest.raises(DamagedRecordError, match="no visit of the yardstick"):
        saved_runs.read_run(path)


def test_an_accepted_record_is_a_baseline_and_keeps_the_acceptance(storage):
    path = storage("0001_failed", record_of(0.2, verdict=FAILED))
    with pytest.raises(BaselineError, match="traingate accept"):
        find_baseline(storage)
    before = json.loads(path.read_text())
    assert saved_runs.accept(path, ACCEPTANCE) == [TEST]
    assert find_baseline(storage).measurement.verdict.accepted == ACCEPTANCE
    assert find_baseline(storage).measurement.verdict.failed
    after = json.loads(path.read_text())
    del after["benchmarks"][0]["extra_info"]["traingate"]["verdict"]["accepted"]
    del before["benchmarks"][0]["extra_info"]["traingate"]["verdict"]["accepted"]
    assert after == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("depth", [400, 800, 900, 940, 960, 980, 990, 1200])
def test_what_another_benchmark_has_nested_deeply_is_no_traceback(storage, depth):
    """Python's ``json`` calls itself for each level when it reads, and more often when it writes."""
    path = storage("0001_failed", record_of(0.2, verdict=FAILED))
    other = f'{{"fullname": "a", "extra_info": {{"deep": {"[" * depth}{"]" * depth}}}}}'
    path.write_text(path.read_text().replace('"benchmarks": [', f'"benchmarks": [{other}, '))
    before = path.read_text()
    try:
        accepted_tests = saved_runs.accept(path, ACCEPTANCE)
    except BaselineError:
        assert path.read_text() == before
        assert depth > 400
    else:
        assert accepted_tests == [TEST]


def test_only_the_named_tests_are_accepted(storage):
    path = storage("0001_failed", record_of(0.2, verdict=FAILED), record_of(0.3, verdict=FAILED))
    assert saved_runs.accept(path, ACCEPTANCE, ["test_1"]) == ["bench.py::test_1"]
    with pytest.raises(BaselineError, match="no failed record of test_7"):
        saved_runs.accept(path, ACCEPTANCE, ["test_7"])


def test_of_two_acceptances_of_one_run_at_once_none_is_lost(storage):
    path = storage("0001_failed", record_of(0.2, verdict=FAILED), record_of(0.3, verdict=FAILED))
    with ThreadPoolExecutor(1) as pool:
        with locked(path.parents[1], 5) as is_locked:
            assert is_locked
            other = pool.submit(saved_runs.accept, path, ACCEPTANCE, ["test_1"])
            assert not wait([other], timeout=0.2).done  # it waits for this one
            assert saved_runs.accept(path, ACCEPTANCE, [TEST]) == [TEST]
        assert other.result() == ["bench.py::test_1"]
    assert path.read_text().count('"accepted"') == 2


def test_a_run_without_failed_records_cannot_be_accepted(storage):
    with pytest.raises(BaselineError, match="nothing to accept"):
        saved_runs.accept(storage("0001_fine", record_of(0.2)), ACCEPTANCE)


def test_an_inconclusive_record_is_accepted_only_by_its_name(storage):
    storage("0001_fit", record_of(0.1))
    path = storage("0002_open", record_of(0.2, verdict=OPEN), record_of(0.3, verdict=FAILED))
    assert saved_runs.accept(path, ACCEPTANCE) == ["bench.py::test_1"]
    assert find_baseline(storage).measurement == record_of(0.1)
    with pytest.raises(BaselineError, match="INCONCLUSIVE record is accepted by its name"):
        saved_runs.accept(storage("0003_open", record_of(0.2, verdict=OPEN)), ACCEPTANCE)
    assert saved_runs.accept(path, ACCEPTANCE, [TEST]) == [TEST]
    assert find_baseline(storage).measurement.verdict.accepted == ACCEPTANCE
    assert find_baseline(storage).title.startswith("0002_open.json")


@pytest.mark.parametrize(
    ("details", "title"),
    [
        ({}, "0001_base.json"),
        ({"datetime": "2026-11-22T10:00:00"}, "0001_base.json (2026-11-22 10:00)"),
        ({"commit_info": {"id": COMMIT}}, "0001_base.json (aaaaaaaaa)"),
    ],
)
def test_a_title_has_the_date_and_the_commit_that_the_run_has(tmp_path, details, title):
    path = tmp_path / "0001_base.json"
    path.write_text(json.dumps({"benchmarks": [], **details}))
    assert saved_runs.read_run(path).title == title
