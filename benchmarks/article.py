"""The article's published figures, to stand beside ours in the results table."""

from __future__ import annotations

from traingate.records import Published

_SOURCE = "Training AI Models on CPU, September 2024, c7i.2xlarge"


def stated(samples_per_second: float) -> Published:
    """A figure that the article's text states."""
    return Published(samples_per_second, _SOURCE)


def derived(samples_per_second: float) -> Published:
    """A figure computed from those that the text states."""
    return Published(samples_per_second, _SOURCE, derived=True)
