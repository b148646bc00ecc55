"""Check that the results of a run say that it compared something.

The plugin fails a run that was asked to compare and did not. It cannot where Python ends without
it: by ``os._exit``, or before pytest loads plugins. Then there are no results, or old ones.
"""

from __future__ import annotations

from pathlib import Path

from traingate.errors import ConfigurationError
from traingate.pull_requests.comment import read_results

_FAILED = 1


def check_results(file: Path) -> int:
    """Return 0 if something was compared and nothing failed, 1 if anything failed.

    Args:
        file: Results as JSON, as ``--traingate-json`` writes them.

    Raises:
        ConfigurationError: If it has no results, or if nothing was compared.
    """
    results = read_results(file)
    if results.state == "failed":
        return _FAILED
    if not results.counts.get("compared"):
        raise ConfigurationError(f"the results in {file} compare nothing")
    return 0
