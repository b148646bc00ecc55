"""Parse options, ini keys and marker once, so that no module below sees pytest's configuration."""

from traingate.options.definitions import OPTIONS, add_options
from traingate.options.marker import add_marker, limits_of
from traingate.options.parsing import check_limits, parse
from traingate.options.settings import DEFAULT_MAX_LAUNCHES, DEFAULT_MAX_PAIRS, Settings

__all__ = [
    "DEFAULT_MAX_LAUNCHES",
    "DEFAULT_MAX_PAIRS",
    "OPTIONS",
    "Settings",
    "add_marker",
    "add_options",
    "check_limits",
    "limits_of",
    "parse",
]
