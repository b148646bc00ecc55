"""Leave some cases of a parametrised test to the long tests."""

from __future__ import annotations

from collections.abc import Container, Iterable

import pytest


def some_long(values: Iterable[object], short: Container[object]) -> list[object]:
    """Return the values as parameters, of which those that are not in *short* are long tests."""
    return [
        value if value in short else pytest.param(value, marks=pytest.mark.long) for value in values
    ]
