"""Settings of a session, for tests that set some of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from traingate.controller.scales import SCALES
from traingate.options import Settings

_SETTINGS = Settings(
    scale=SCALES["smoke"],
    launches=None,
    steps=None,
    tolerance=5.0,
    on_missing="fail",
    allow_missing=frozenset(),
    accept=None,
    on_inconclusive="warn",
    steady="threads",
    against=None,
    against_python=None,
    against_environment=None,
    environment={},
    anchor=None,
    anchor_tolerance=None,
    base_setup=None,
    timeout=None,
    require=frozenset(),
    price=None,
    html=None,
    markdown=None,
    json=None,
    profile=None,
    compare=False,
    storage="nowhere",
    measures=True,
)


def settings(**changes: Any) -> Settings:
    """Return the settings of scale smoke, which compare with nothing, with *changes* to any."""
    return replace(_SETTINGS, **changes)
