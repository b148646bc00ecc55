"""Merge the environments that the launches of one measurement report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from traingate.baselines.comparability import package_changes
from traingate.errors import WorkerError


def merged_environment(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """Return the environment of several launches of one measurement.

    The first launch of a stack compiles, and may import more packages than the later ones.

    Args:
        earlier: Environment of the earlier launches; empty before the first one.
        later: Environment of a later launch.

    Raises:
        WorkerError: If a package that both have imported is not the same.
    """
    changes = package_changes(earlier, later, imported_by_both=True)
    if changes:
        raise WorkerError(
            'packages were changed while they were measured; "there" is an earlier launch: '
            f"{'; '.join(changes.values())}. Measure again, and change nothing meanwhile."
        )
    merged = {**earlier, **later}
    packages = _merged(earlier, later, "packages")
    if packages:
        others = _merged(earlier, later, "other_packages")
        merged["packages"] = packages
        merged["package_sources"] = _merged(earlier, later, "package_sources")
        merged["other_packages"] = {
            name: version for name, version in others.items() if name not in packages
        }
    return merged


def _merged(earlier: Mapping[str, Any], later: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the items that either environment has under *key*, sorted by name."""
    return dict(sorted({**earlier.get(key, {}), **later.get(key, {})}.items()))
