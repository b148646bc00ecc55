"""Check that what ``--traingate-require`` names has run."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from traingate.layers.kinds import KINDS
from traingate.requested_layers import LAYER_NAMES


def describe_unknown_names(required: frozenset[str], used_names: Collection[str]) -> list[str]:
    """Return an error message if a required name must be misspelt.

    That is a name which is neither of traingate's own layers nor of a layer that a test used.

    Args:
        required: Names that the user requires.
        used_names: Names of all layers, and of their extras, that tests have used.
    """
    unknown_names = required - LAYER_NAMES - {*used_names}
    if not unknown_names:
        return []
    return [
        f"--traingate-require names {', '.join(sorted(unknown_names))}, and no test has such a "
        f"layer. traingate's own are {', '.join(sorted(LAYER_NAMES))}."
    ]


def describe_unmeasured_tests(
    required: frozenset[str], fixtures: Mapping[str, Collection[str]], ended_tests: Collection[str]
) -> list[str]:
    """Return an error message if tests of required layers have neither run nor failed.

    Args:
        required: Names that the user requires.
        fixtures: Names of the fixtures of the selected training benchmarks, by their full names.
        ended_tests: Full names of those that took a step, or that pytest reported as failed.
    """
    layers = {
        name for name, kind in KINDS.items() if not required.isdisjoint((kind.name, kind.extra))
    }
    tests = [
        test
        for test, names in fixtures.items()
        if not layers.isdisjoint(names) and test not in ended_tests
    ]
    if not tests:
        return []
    listed = "\n".join(f"  {test}" for test in tests)
    return [
        f"--traingate-require names {', '.join(sorted(required))}, and these tests, which request "
        f"it, took no step:\n{listed}"
    ]
