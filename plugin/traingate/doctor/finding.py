"""Define the findings of an examination."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from msgspec import Struct


class State(str, Enum):
    """Assessment of a finding."""

    FINE = "fine"
    """Present, or as good as it can be."""
    NOTE = "note"
    """Worth knowing when measurements are read."""
    LACKING = "lacking"
    """Missing, of an unsuitable version, or unable to run."""


class Finding(Struct, frozen=True, kw_only=True):
    """Fact about this machine, with its meaning for measurements.

    Attributes:
        topic: Group of the finding, such as ``processor``.
        subject: Name of the feature, program, package or layer that was examined.
        state: Assessment.
        found: State of the subject on this machine, such as a version or ``absent``.
        meaning: Consequence for measurements; empty if there is none.
        remedy: Command that changes it; empty if there is none or none is needed.
    """

    topic: str
    subject: str
    state: State
    found: str
    meaning: str = ""
    remedy: str = ""


def presence(
    topic: str, subject: str, path: Path | str | None, meaning: str, remedy: str
) -> Finding:
    """Return a finding with the path of *subject*; if it is absent, with meaning and remedy."""
    if path is not None:
        return Finding(topic=topic, subject=subject, state=State.FINE, found=str(path))
    return Finding(
        topic=topic,
        subject=subject,
        state=State.LACKING,
        found="absent",
        meaning=meaning,
        remedy=remedy,
    )
