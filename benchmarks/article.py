"""Published figures of the article, which the results table shows next to the measured ones.

The article is Chaim Rand, "Training AI Models on CPU", Towards Data Science, September 2024. Its
prices are in prices.toml.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from traingate.records import Published

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PRICES: dict[str, dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("prices.toml").read_text()
)

CPU, SPOT, GPU = _PRICES
"""Names of the article's machines, in the order of prices.toml."""


def stated_figure(samples_per_second: float, machine: str = CPU) -> Published:
    """Return a figure that the text of the article states.

    Args:
        samples_per_second: Throughput that the article gives for *machine*.
        machine: Machine on which the article measured it.
    """
    return _figure(samples_per_second, machine, derived=False)


def derived_figure(samples_per_second: float, machine: str = CPU) -> Published:
    """Return a figure computed from figures that the text of the article states.

    Args:
        samples_per_second: Throughput on *machine*.
        machine: Machine of the article to which the figure applies.
    """
    return _figure(samples_per_second, machine, derived=True)


def _figure(samples_per_second: float, machine: str, *, derived: bool) -> Published:
    """Return a figure with its source and the hourly price of its machine."""
    return Published(
        samples_per_second,
        source="Training AI Models on CPU, September 2024",
        derived=derived,
        machine=machine,
        usd_per_hour=_PRICES[machine]["usd_per_hour"],
    )
