"""Check what the types of a race's record cannot express, so that its answer can be computed.

A record is read from a file that anybody may have edited. The functions that make the answer rely
on what is checked here: on numbers whose products and logarithms are finite, and on sizes for which
it takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from traingate.records.plausibility import RATES, RATIOS, SECONDS, check, check_range, check_shown
from traingate.records.race import Candidate, Heat, Race, RaceLaunch

MAX_LAUNCHES: Final = 2000
"""Largest number of launches, of heats and of candidates of a race. A race of two hours has a few
hundred: each launch imports torch. Simulations have several hundred candidates. The answer takes
the third power of this number, and so does the choice of the next heat."""

_MAX_HEAT_LAUNCHES: Final = 100
"""Largest number of launches in a heat; ``races.strategy`` starts at most eight together."""

_MAX_ROUNDS: Final = 1000
"""Largest number of rounds in a heat; ``controller.schedule`` plans at most twenty."""

_MAX_AXES: Final = 100
"""Largest number of axes."""

_COSTS: Final = (1e-6, 1.0)
"""Smallest and largest share of a machine."""

_SAMPLES: Final = (1, 10**12)
"""Smallest and largest number of samples in a step, and of steps in a turn."""

_BYTES: Final = (0, 2**63 - 1)

_PRICES: Final = (1e-9, 1e9)

_DURATIONS: Final = (0.0, SECONDS[1])


def check_race(race: Race) -> None:
    """Check the record of a race that was read from a file.

    Raises:
        ValueError: If it has a number that no race has, or more of something than one has.
    """
    check(race.plain)
    _check_sizes(race)
    for kind, range_, values in _numbers(race):
        check_range(kind, range_, values)
    for heat in race.heats:
        if not heat.launches:
            raise ValueError("it has a heat without a launch")
        for launch in heat.launches:
            _check_launch(launch)
    machine = race.machine
    check_shown([race.seed, race.space_size, machine.cores, machine.memory_bytes])
    check_shown([race.settings, race.form, race.workload_arguments])
    for candidate in race.candidates:
        _check_shown_values(candidate)


def _check_sizes(race: Race) -> None:
    """Check that there is not more of anything than a race has."""
    axes = {*race.axes}.union(*(candidate.choices for candidate in race.candidates))
    heats = race.heats
    for kind, size, largest in (
        ("candidates", len(race.candidates), MAX_LAUNCHES),
        ("heats", len(heats), MAX_LAUNCHES),
        ("launches", sum(len(heat.launches) for heat in heats), MAX_LAUNCHES),
        ("eliminations", len(race.eliminations), MAX_LAUNCHES),
        (
            "launches in a heat",
            max((len(heat.launches) for heat in heats), default=0),
            _MAX_HEAT_LAUNCHES,
        ),
        ("rounds in a heat", max(map(_rounds, heats), default=0), _MAX_ROUNDS),
        ("axes", len(axes), _MAX_AXES),
    ):
        if size > largest:
            raise ValueError(f"it has {size:,} {kind}, and a race has at most {largest:,}")


def _numbers(race: Race) -> Iterator[tuple[str, tuple[float, float], Sequence[float]]]:
    """Yield the names, the ranges and the values of the numbers of a race but for its launches."""
    yield "a duration", _DURATIONS, (race.seconds, race.plain_seconds)
    yield "a price", _PRICES, () if race.usd_per_hour is None else (race.usd_per_hour,)
    yield "a cost", _COSTS, [candidate.cost for candidate in race.candidates]
    for heat in race.heats:
        yield "a duration", _DURATIONS, (heat.seconds, heat.started_seconds)
        yield "a time", SECONDS, heat.gemm_seconds
    yield "a duration", _DURATIONS, [item.seconds for item in race.eliminations]
    yield "a heat", (0, MAX_LAUNCHES), [item.heat for item in race.eliminations]
    ratios = [item.ratio for item in race.eliminations]
    yield "a ratio", RATIOS, [ratio for ratio in ratios if ratio is not None]


def _check_launch(launch: RaceLaunch) -> None:
    """Check the numbers of a launch, and its rate."""
    check_range("a time", SECONDS, launch.turn_seconds)
    check_range("a duration", _DURATIONS, (launch.first_step_seconds, launch.setup_seconds))
    check_range("a number of samples or steps", _SAMPLES,
                (launch.batch_size, launch.steps_per_turn))  # fmt: skip
    check_range("a memory", _BYTES, (launch.peak_bytes,))
    check_range("precision_speedup", RATIOS, (launch.precision_speedup,))
    check_range("a number of turns", (0, _SAMPLES[1]), (launch.busy_turns,))
    check_range("a counter", (-1e30, 1e30), tuple(launch.counters.values()))
    samples = len(launch.turn_seconds) * launch.steps_per_turn * launch.batch_size
    check_range("a rate", RATES, (samples / sum(launch.turn_seconds),))


def _check_shown_values(candidate: Candidate) -> None:
    """Check the values of a candidate that are only shown and compared."""
    check_shown(candidate.process)
    for layer in candidate.layers:
        check_shown(layer.options)


def _rounds(heat: Heat) -> int:
    """Return the number of rounds of a heat, as its longest part has them."""
    turns = (len(launch.turn_seconds) for launch in heat.launches)
    return max([heat.rounds, len(heat.gemm_seconds), *turns])
