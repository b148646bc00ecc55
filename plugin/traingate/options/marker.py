"""Read the limits of a test from its markers."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final

from traingate.errors import ConfigurationError
from traingate.gate.limits import Limits
from traingate.options.values import percent, positive_number

if TYPE_CHECKING:
    import pytest

_MARKER: Final = (
    "traingate(tolerance=PERCENT, min_samples_per_second=N, max_first_step_seconds=S, "
    "max_peak_rss_bytes=N, max_memory_growth_bytes_per_step=N, accept_reason=TEXT, "
    "accept_slowdown=PERCENT, accept_counters={NAME: N}): limits of a training benchmark: the "
    "largest loss of throughput against the baseline, the least throughput, the longest first "
    "step, the largest memory and its largest growth; and a change against a commit that is let "
    "through, with its reason."
)


def add_marker(config: pytest.Config) -> None:
    """Register the marker, for ``--markers`` and ``--strict-markers``."""
    config.addinivalue_line("markers", _MARKER)


def limits_of(markers: Iterable[pytest.Mark]) -> Limits:
    """Return the limits that the markers ``@pytest.mark.traingate(...)`` of a test set.

    Args:
        markers: Markers of the test, its class, its module and its packages, the closest first,
            as ``iter_markers`` returns them. The closest one that has a keyword sets it.

    Raises:
        ConfigurationError: If a keyword is unknown, a value is invalid, or a change is accepted
            without a reason.
    """
    limits, names = Limits(), {field.name for field in fields(Limits)}
    for marker in reversed(list(markers)):
        if marker.args:
            raise ConfigurationError(f"the traingate marker takes keywords only. {_MARKER}")
        for key, value in marker.kwargs.items():
            if key not in names:
                raise ConfigurationError(f"the traingate marker has no {key!r}. {_MARKER}")
            try:
                parsed_value = _PARSERS.get(key, _number)(value)
            except argparse.ArgumentTypeError as error:
                raise ConfigurationError(f"the traingate marker's {key} {error}") from error
            limits = replace(limits, **{key: parsed_value})
    accepts = limits.accept_slowdown is not None or limits.accept_counters is not None
    if accepts != (limits.accept_reason is not None):
        raise ConfigurationError(
            "the traingate marker needs accept_reason, and with it accept_slowdown or "
            "accept_counters, to let a change through"
        )
    return limits


def _number(value: object) -> float | None:
    """Return a number above 0; None, by which a test lifts the limit of its class or module."""
    return None if value is None else positive_number(str(value))


def _accepted_percent(value: object) -> float | None:
    """Return a loss of throughput, which is less than the whole of it."""
    number = _number(value)
    if number is not None and number >= 100:  # noqa: PLR2004 - the docstring explains it
        raise argparse.ArgumentTypeError(f"needs a percentage below 100, not {value!r}")
    return number


def _percent(value: object) -> float | None:
    return None if value is None else percent(str(value))


def _reason(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise argparse.ArgumentTypeError(f"needs a text, not {value!r}")
    return value


def _counters(value: object) -> Mapping[str, int] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or not value or not all(map(_is_count, value.values())):
        raise argparse.ArgumentTypeError(
            f"needs the largest count for each counter, such as {{'dynamo_graph_breaks': 1}}, not "
            f"{value!r}"
        )
    return value


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


_PARSERS: Final[Mapping[str, Callable[[object], Any]]] = {
    "tolerance": _percent,
    "accept_slowdown": _accepted_percent,
    "accept_reason": _reason,
    "accept_counters": _counters,
}
"""Functions that parse the values of keywords; all other values are numbers."""
