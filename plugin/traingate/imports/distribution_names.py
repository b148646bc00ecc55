"""Spell the names of distributions in one way (PEP 503)."""

from __future__ import annotations

import re


def normalize(name: str) -> str:
    """Return the normalized spelling of a distribution's name."""
    return re.sub(r"[-_.]+", "-", name).lower()
