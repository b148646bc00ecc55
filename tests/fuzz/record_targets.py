"""Saved runs, profiles and the index: any input is an error of its own kind, or can be shown."""

from __future__ import annotations

import functools
import json
import math
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
from hypothesis import strategies as st
from mutations import adjusted, as_text, changed, damaged_bytes, mutated

from sample_records import save_run
from sample_report import duet_of, explanation, profile_of, record_of, verdict_of
from traingate.baselines import index
from traingate.baselines.index import load_summaries
from traingate.baselines.saved_runs import read_run
from traingate.baselines.summaries import summarise
from traingate.causes.explanation import explain_change
from traingate.causes.phases import phases_of_profiles
from traingate.commands.compare import _compared, _in_form
from traingate.commands.output import json_text
from traingate.commands.show import _record_lines
from traingate.comparison.explanation import explain_records
from traingate.errors import ConfigurationError, DamagedRecordError
from traingate.records import Outcome, to_json
from traingate.records.profile import Cell, Profile, compact_profile
from traingate.report.explanation import summary
from traingate.report.flame_graph import collapsed_stacks, render_flame_graph
from traingate.report.html import render_report
from traingate.report.profile_table import profile_lines
from traingate.report.profiles import ProfileFile, read_profiles
from traingate.report.results import measured_result, suite_results
from traingate.report.row import Row
from traingate.report.table import render, to_svg

TEST = "bench.py::test_a"


@functools.cache
def _valid_run() -> dict[str, Any]:
    """Return a run with a record that has all parts."""
    verdict = verdict_of(Outcome.REGRESSED, 18.8, failed=True, explanation=explanation())
    record = record_of(
        478.1, seed=1, launches=2, steps=10, verdict=verdict, duet=duet_of(), profile=profile_of()
    )
    benchmark = {"fullname": TEST, "name": "test_a", "extra_info": {"traingate": to_json(record)}}
    content = {
        "benchmarks": [benchmark],
        "commit_info": {"id": "a" * 40, "dirty": False},
        "datetime": "2026-11-22T10:00:00",
    }
    return json.loads(json.dumps(content))


def changed_run(*path: str | int, value: Any) -> bytes:
    """Return the valid run with another value at a path in its record."""
    record = ("benchmarks", 0, "extra_info", "traingate")
    return as_text(changed(_valid_run(), (*record, *path), value))


@functools.cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="traingate-fuzz-"))


@functools.cache
def _base():
    """Return a valid run to compare others with."""
    path = _folder() / "base.json"
    path.write_bytes(as_text(_valid_run()))
    return read_run(path)


RUNS = st.one_of(
    adjusted(_valid_run()).map(as_text),
    mutated(_valid_run()).map(as_text),
    mutated(_valid_run()["benchmarks"][0]["extra_info"]["traingate"]).map(
        lambda record: as_text(
            {
                **_valid_run(),
                "benchmarks": [{"fullname": TEST, "extra_info": {"traingate": record}}],
            }
        )
    ),
    damaged_bytes(as_text(_valid_run())),
    st.binary(max_size=200),
)


def check_run(content: bytes) -> None:
    """A run is refused, or all that commands do with a run works with it."""
    path = _folder() / "0001_run.json"
    path.write_bytes(content)
    try:
        run = read_run(path)
    except DamagedRecordError as error:
        assert str(path) in str(error), error
        return
    summarise(run)
    for _, record in run.measurements:
        assert [*_record_lines("test", record)]
        compact_profile(record.profile, 3) if record.profile else None
    for base, other in ((run, _base()), (_base(), run)):
        results, _ = _compared(base, other, 5.0)
        for form in ("text", "json", "markdown"):
            _in_form(results, form)
        for test, record in other.measurements:
            for base_test, base_record in base.measurements:
                if test == base_test:
                    explain_records(base_record, record)
    if run.measurements:
        rows = [Row(test, record) for test, record in run.measurements]
        assert "\x1b" not in render(rows, None, colour=False)
        to_svg(rows, title="title")
        measurements = dict(run.measurements)
        results = suite_results(
            [measured_result(test, record, "pytest") for test, record in measurements.items()]
        )
        render_report(results, measurements, baselines=measurements)
        json_text(results)


def _valid_profiles() -> Any:
    content = ProfileFile(
        test=TEST, candidate=profile_of(), base=profile_of(), explanation=explanation()
    )
    return json.loads(msgspec.json.encode(content))


PROFILES = st.one_of(
    adjusted(_valid_profiles()).map(as_text),
    mutated(_valid_profiles()).map(as_text),
    damaged_bytes(as_text(_valid_profiles())),
)


def check_profile_file(content: bytes) -> None:
    """A file of profiles is refused, or can be shown and compared."""
    path = _folder() / "profile.json"
    path.write_bytes(content)
    try:
        profiles = read_profiles(path)
    except ConfigurationError as error:
        assert str(path) in str(error), error
        return
    base = profiles.base or profile_of()
    profile_lines(profiles.candidate)
    collapsed_stacks(profiles.candidate)
    render_flame_graph(profiles.test, "subtitle", profiles.candidate, base)
    summary(profiles.explanation) if profiles.explanation else None
    check_causes((base, profiles.candidate))


_NAMES = st.sampled_from(["a", "a.0", "a.1", "a.10.b", "a.*", "(model)", "", "x.y", "é", "a..b"])
_SECONDS = st.one_of(st.floats(0, 10), st.sampled_from([0.0, 1e-12, 1e-3, 1e6]))
_CELLS = st.builds(
    Cell,
    phase=st.sampled_from(["forward", "backward", "optimizer", "data", "other", "odd"]),
    module=_NAMES,
    operator=st.sampled_from(["aten::mm", "aten::copy_", "Python", "aten::to", ""]),
    inputs=st.sampled_from(["", "float [2, 3]", "bf16 [2, 3]"]),
    calls=st.one_of(st.just(0.0), st.floats(0, 1e6)),
    seconds=_SECONDS,
)
_PROFILES = st.builds(
    Profile,
    steps=st.integers(0, 9),
    step_seconds=st.floats(1e-6, 100),
    cells=st.lists(_CELLS, max_size=12).map(tuple),
    input_types=st.dictionaries(st.just("aten::mm"), st.just(("float",)), max_size=1),
    module_types=st.dictionaries(_NAMES, st.sampled_from(["Linear", "ReLU", ""]), max_size=3),
    threads=st.none() | st.integers(0, 64),
    page_faults=st.none() | st.integers(0, 10**9),
    peak_bytes=st.dictionaries(st.just("forward"), st.integers(0, 2**40), max_size=1),
)
PROFILE_PAIRS = st.tuples(_PROFILES, _PROFILES)
EMPTY_PROFILE = Profile(steps=0, step_seconds=1.0, cells=())


def check_causes(pair: tuple[Profile, Profile]) -> None:
    """The causes and the rest add up to the change, and the words can be shown."""
    base, candidate = pair
    change = candidate.step_seconds - base.step_seconds
    phases = phases_of_profiles(base, candidate)
    result = explain_change(base, candidate, phases, change)
    total = math.fsum(cause.change for cause in result.causes) + result.unexplained_seconds
    largest = max([abs(change), *(abs(cause.change) for cause in result.causes)])
    assert math.isclose(total, change, rel_tol=1e-6, abs_tol=1e-9 * max(1.0, largest))
    assert result.sentence
    assert summary(result)
    assert explain_change(base, base, phases_of_profiles(base, base), 0.0).causes == ()


def _storage() -> Path:
    folder = _folder() / "storage"
    for number in range(2):
        path = folder / f"000{number + 1}_a.json"
        if not path.exists():
            save_run(path, {TEST: record_of(100.0, seed=number, launches=2, steps=5)})
            path.write_text(path.read_text().replace("2026-11-22", f"2026-11-2{number}"))
    return folder


def _load(cache: Path):
    with mock.patch.object(index, "user_cache_folder", return_value=cache):
        return load_summaries(str(_storage()), selection=True)


@functools.cache
def _valid_index() -> tuple[bytes, Any]:
    cache = _folder() / "valid"
    summaries = _load(cache)
    return (cache / "runs.sqlite").read_bytes(), summaries


INDEXES = st.deferred(lambda: st.one_of(damaged_bytes(_valid_index()[0]), st.binary(max_size=200)))


def check_index(content: bytes) -> None:
    """Whatever the index holds, the runs are those of the files, now and at the next start."""
    cache = _folder() / "damaged"
    cache.mkdir(exist_ok=True)
    for name in ("runs.sqlite", "runs.sqlite-journal", "runs.sqlite-wal", "runs.sqlite-shm"):
        (cache / name).unlink(missing_ok=True)
    (cache / "runs.sqlite").write_bytes(content)
    with mock.patch.object(index, "_LOCK_SECONDS", 0.1):
        assert _load(cache) == _valid_index()[1]
        assert _load(cache) == _valid_index()[1]
