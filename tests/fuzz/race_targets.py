"""Records of races: any input is an error that names the file, or an answer that can be shown."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from hypothesis import strategies as st
from mutations import adjusted, as_text, changed, damaged_bytes, mutated

from sample_records import measurement
from simulated_launches import launch
from simulated_races import Machine, SimulatedMeasurer, effects_space, simulate
from traingate.commands.output import json_text
from traingate.commands.race import print_race
from traingate.errors import DamagedRecordError
from traingate.races.answer import answer
from traingate.races.files import read_race
from traingate.records.race import Elimination
from traingate.report.html import render_report
from traingate.report.race import to_svg
from traingate.report.results import suite_results


@functools.cache
def _valid_race() -> dict[str, Any]:
    """Return a race with a search, a final, contributions and eliminations."""
    space = effects_space({"first": 2, "second": 3})
    measurer = SimulatedMeasurer(
        space, lambda point: 0.2 * point[1] - 0.3 * point[0], Machine(), np.random.default_rng(0)
    )
    race, _ = simulate(measurer, 900, 0)
    failed = Elimination(candidate=1, kind="failed", reason="it hangs", heat=0, seconds=1.0)
    race = msgspec.structs.replace(
        race,
        plain=measurement([launch([0.1] * 3)]),
        eliminations=(*race.eliminations, failed),
        usd_per_hour=0.1,
    )
    return json.loads(msgspec.json.encode(race))


def changed_race(*path: str | int, value: Any) -> bytes:
    """Return the valid race with another value at a path."""
    return as_text(changed(_valid_race(), path, value))


@functools.cache
def _file() -> Path:
    return Path(tempfile.mkdtemp(prefix="traingate-fuzz-")) / "0001_a.race.json"


def _races() -> st.SearchStrategy[bytes]:
    race = _valid_race()
    return st.one_of(
        adjusted(race).map(as_text),
        mutated(race).map(as_text),
        st.sampled_from(["candidates", "heats", "eliminations"]).flatmap(
            lambda part: mutated(race[part]).map(lambda items: changed_race(part, value=items))
        ),
        damaged_bytes(as_text(race)),
    )


RACES = st.deferred(_races)
"""Nearly valid races; the valid one takes seconds, so that it is made when one is drawn."""


def check_race_file(content: bytes) -> None:
    """A race is refused, or all that commands do with a race works with it."""
    path = _file()
    path.write_bytes(content)
    try:
        race = read_race(path)
    except DamagedRecordError as error:
        assert str(path) in str(error), error
        return
    result = answer(race)
    json.loads(json_text(race))
    with contextlib.redirect_stdout(io.StringIO()):
        print_race(race, result, "text")
    to_svg(race, result)
    results = suite_results([], machine=race.machine.title)
    render_report(results, {}, races=[race], created=race.created)
