"""Check what the types of a record cannot express, so that no number or text in it can mislead.

A record is read from a file that anybody may have edited. The code that compares and shows records
relies on what is checked here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from traingate.records.launch import Pair
from traingate.records.measurement import Measurement
from traingate.records.verdict import AnchorResult, Verdict

SECONDS: Final = (1e-9, 1e9)
"""Shortest and longest time of a step: none takes less than the clock can tell, or 30 years."""

RATIOS: Final = (1e-12, 1e12)
"""Smallest and largest ratio of two times."""

RATES: Final = (1e-12, 1e24)
"""Smallest and largest rate, in samples, operations or bytes per second."""

_SLOWDOWNS: Final = (-1e12, 99.999999)
"""Smallest and largest slowdown in percent; 100 % would be a throughput of 0."""


_LARGEST_INTEGER: Final = 2**63 - 1
_MAX_DEPTH: Final = 100
"""Largest depth of the values in a record; functions that call themselves for each level follow."""

_SHOWN_INTEGERS: Final = (-(2**63), 2**64 - 1)
"""Smallest and largest integer that is only shown and compared: those that JSON libraries write."""

_MAGNITUDES: Final = (1e-30, 1e30)
"""Smallest and largest absolute value of any number but 0. Products and quotients of two of them,
and sums of many, are finite."""


class _Environment(Struct):
    """Keys of an environment whose values are read by their type; others are only shown."""

    torch: str = ""
    python: str = ""
    variables: dict[str, str] = {}
    packages: dict[str, str] = {}
    other_packages: dict[str, str] = {}
    package_sources: dict[str, dict[str, str]] = {}


def check(record: Measurement) -> None:
    """Check a record that was read from a file.

    Raises:
        ValueError: If it contradicts itself, or has a number that no measurement has; or
            msgspec.ValidationError, which is one too, if its environment has a value of a wrong
            type.
    """
    _check_magnitudes(record)
    _check_shown_values(record)
    if not all(launch.step_seconds for launch in record.launches):
        raise ValueError("a launch has no step")
    if not all(launch.yardstick_seconds for launch in record.launches):
        raise ValueError("a launch has no visit of the yardstick")
    check_environment(record.environment)
    for kind, range_, values in _numbers(record):
        check_range(kind, range_, values)
    if record.duet is not None:
        check_environment(record.duet.candidate_environment)
        check_environment(record.duet.base_environment)
        for pair in record.duet.pairs:
            _check_pair(pair)
    if record.verdict is not None:
        _check_verdict(record.verdict)


def _check_pair(pair: Pair) -> None:
    """Check that each side has steps, and each of its parts as many numbers as steps."""
    for steps, phases, yardstick in (
        (pair.candidate_step_seconds, pair.candidate_phase_seconds, pair.candidate_yardstick),
        (pair.base_step_seconds, pair.base_phase_seconds, pair.base_yardstick),
    ):
        lengths = {len(part) for part in (*phases.values(), yardstick or steps)}
        if not steps or lengths != {len(steps)}:
            raise ValueError("a side of a pair has no step, or parts of other lengths")


def _check_magnitudes(value: Any) -> None:
    """Check all numbers in a value of a record but for those that are only shown and compared."""
    if isinstance(value, Struct):
        for name in value.__struct_fields__:
            if name not in _SHOWN_FIELDS:
                _check_magnitudes(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            _check_magnitudes(item)
    elif isinstance(value, (tuple, list)):
        if isinstance(value, tuple) and value and isinstance(value[0], float):
            check_range("a number", (-_MAGNITUDES[1], _MAGNITUDES[1]), value)
        else:
            for item in value:
                _check_magnitudes(item)
    elif isinstance(value, (int, float)) and not _is_plausible(value):
        raise ValueError("a number is too small or too large for any measurement")


_SHOWN_FIELDS: Final = frozenset(
    {"options", "environment", "candidate_environment", "base_environment"}
)
"""Fields with anybody's values: options of layers, such as a seed of 64 bits, and environments."""


def _check_shown_values(record: Measurement) -> None:
    """Check the values that are only shown and compared."""
    check_shown(record.environment)
    for layer in record.stack:
        check_shown(layer.options)
    if record.duet is not None:
        check_shown(record.duet.candidate_environment)
        check_shown(record.duet.base_environment)


def check_shown(value: Any, depth: int = 0) -> None:
    """Check that a value of JSON can be followed to its end and written again.

    Args:
        value: Value that is only shown and compared.
        depth: Number of values around it.

    Raises:
        ValueError: If it is nested too deeply, or has an integer of more than 64 bits.
    """
    if depth > _MAX_DEPTH:
        raise ValueError("it is nested too deeply")
    if isinstance(value, (Mapping, list)):
        for item in value.values() if isinstance(value, Mapping) else value:
            check_shown(item, depth + 1)
    elif type(value) is int and not _SHOWN_INTEGERS[0] <= value <= _SHOWN_INTEGERS[1]:
        raise ValueError("an integer has more than 64 bits")


def _is_plausible(value: float) -> bool:
    if isinstance(value, int):
        return abs(value) <= _LARGEST_INTEGER
    return not value or _MAGNITUDES[0] <= abs(value) <= _MAGNITUDES[1]


def _numbers(record: Measurement) -> Iterator[tuple[str, tuple[float, float], Sequence[float]]]:
    """Yield the names, the ranges and the values of the numbers that are computed with."""
    for launch in record.launches:
        for seconds in (launch.step_seconds, launch.gemm_seconds, launch.triad_seconds,
                        launch.yardstick_seconds, (launch.first_step_seconds,),
                        *launch.rank_step_seconds):  # fmt: skip
            yield "a time", SECONDS, seconds
        parts = (launch.data_seconds, *launch.phase_seconds.values(), (launch.setup_seconds,))
        for seconds in parts:
            yield "a time", (0.0, SECONDS[1]), seconds
    for pair in record.duet.pairs if record.duet is not None else ():
        yield "a time", SECONDS, (*pair.candidate_step_seconds, *pair.base_step_seconds)
        yield "a yardstick", RATIOS, (*pair.candidate_yardstick, *pair.base_yardstick)
        yield "log_ratio", (-30.0, 30.0), (pair.log_ratio,)
    yield "a rate", RATES, [rate for rate in _rates(record) if rate is not None]
    yield "precision_speedup", RATIOS, (record.precision_speedup,)


def _rates(record: Measurement) -> Iterator[float | None]:
    yield record.samples_per_second
    yield from record.samples_per_second_interval or ()
    yield record.flops_per_sample
    yield record.roofline_flops_per_second
    yield record.memory_bytes_per_second
    yield record.roofline_share
    yield record.samples_per_dollar
    yield from (figure.samples_per_second for figure in record.published)


def check_range(kind: str, range_: tuple[float, float], values: Sequence[float]) -> None:
    """Check that numbers are in a range.

    Args:
        kind: Name of one of them, with its article.
        range_: Smallest and largest number that a measurement gives.
        values: Numbers.

    Raises:
        ValueError: If one is outside.
    """
    if values and not range_[0] <= min(values) <= max(values) <= range_[1]:
        worst = min(values) if min(values) < range_[0] else max(values)
        raise ValueError(f"{kind} is {worst:g}, which no measurement gives")


def check_environment(environment: Mapping[str, Any]) -> None:
    """Check the types of an environment's values that are read by their type.

    Raises:
        msgspec.ValidationError: If one is of another type; it is a ValueError.
    """
    msgspec.convert(environment, _Environment)


def _check_verdict(verdict: Verdict) -> None:
    is_compared = verdict.slowdown_percent is not None
    rates = (verdict.samples_per_second, verdict.baseline_samples_per_second)
    if is_compared and None in rates:
        raise ValueError("a verdict has a slowdown, and not both rates")
    slowdowns = (verdict.slowdown_percent, verdict.missable_slowdown_percent)
    _check_slowdowns([*slowdowns, *(verdict.slowdown_percent_interval or ())])
    check_range("a rate", RATES, [rate for rate in rates if rate is not None])
    if verdict.anchor is not None:
        _check_anchor(verdict.anchor)


def _check_anchor(anchor: AnchorResult) -> None:
    _check_slowdowns([anchor.slowdown_percent, *(anchor.slowdown_percent_interval or ())])


def _check_slowdowns(values: Iterable[float | None]) -> None:
    check_range("a slowdown", _SLOWDOWNS, [value for value in values if value is not None])
