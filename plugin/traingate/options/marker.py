"""Read the limits of a test from its markers."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from traingate.errors import ConfigurationError
from traingate.gate.limits import Limits
from traingate.options.values import percent, positive_number

if TYPE_CHECKING:
    import pytest

_MARKER: Final = (
    "traingate(tolerance=PERCENT, min_samples_per_second=N, max_first_step_seconds=S): limits of "
    "a training benchmark: the largest loss of throughput against the baseline, the least "
    "throughput, the longest first step."
)


def add_marker(config: pytest.Config) -> None:
    """Register the marker, for ``--markers`` and ``--strict-markers``."""
    config.addinivalue_line("markers", _MARKER)


def limits_of(marker: pytest.Mark | None) -> Limits:
    """Return the limits that ``@pytest.mark.traingate(...)`` sets.

    Args:
        marker: Marker of the test, None if it has none.

    Raises:
        ConfigurationError: If a keyword is unknown, or a value is not a positive number.
    """
    limits = Limits()
    if marker is None:
        return limits
    if marker.args:
        raise ConfigurationError(f"the traingate marker takes keywords only. {_MARKER}")
    for key, value in marker.kwargs.items():
        if not hasattr(limits, key):
            raise ConfigurationError(f"the traingate marker has no {key!r}. {_MARKER}")
        parse_value = percent if key == "tolerance" else positive_number
        try:
            limits = replace(limits, **{key: parse_value(str(value))})
        except argparse.ArgumentTypeError as error:
            raise ConfigurationError(f"the traingate marker's {key} {error}") from error
    return limits
