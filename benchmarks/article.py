"""The article's published figures, shown beside the measured ones in the results table.

The article is "Training AI Models on CPU", September 2024. Its prices are in prices.toml.
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


def stated(samples_per_second: float, machine: str = CPU) -> Published:
    """Return a figure that the article's text states."""
    return _figure(samples_per_second, machine, derived=False)


def derived(samples_per_second: float, machine: str = CPU) -> Published:
    """Return a figure computed from those that the article's text states."""
    return _figure(samples_per_second, machine, derived=True)


def _figure(samples_per_second: float, machine: str, *, derived: bool) -> Published:
    return Published(
        samples_per_second,
        source="Training AI Models on CPU, September 2024",
        derived=derived,
        machine=machine,
        usd_per_hour=_PRICES[machine]["usd_per_hour"],
    )
