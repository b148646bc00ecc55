"""Define the settings of one pytest run, as the rest of the package sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from traingate.controller.scales import Scale

DEFAULT_TOLERANCE: Final = 5.0  # percent
DEFAULT_MAX_LAUNCHES: Final = 8  # in a comparison with stored runs
DEFAULT_MAX_PAIRS: Final = 16  # in a duet

DUET_OPTIONS: Final = ("against", "against_python", "against_environment")
"""Settings that name the base of a duet."""


@dataclass(frozen=True)
class Settings:
    """Settings of one pytest run; the options and ini keys of traingate set all but the last five.

    Attributes:
        scale: Size of the measurement.
        launches: Number of launches per test; in a comparison the largest number of launches, or of
            pairs in a duet. None for the default.
        steps: Number of measured steps per launch; None for that of the scale.
        tolerance: Largest loss of throughput that is let through, in percent.
        on_missing: Treatment of a test of which nothing is stored, ``fail`` or ``record``.
        allow_missing: Names of tests that need no comparison.
        accept: Reason for which slowdowns of this run fail nothing; None if they fail.
        on_inconclusive: Treatment of a test without a verdict, ``warn`` or ``fail``.
        steady: Level of the measures against scatter, one of ``controller.steadying.LEVELS``.
        against: Commit to compare the working tree with by a duet; None for no commit.
        against_python: Interpreter to compare with by a duet; None for no interpreter.
        against_environment: Name of the environment to compare with by a duet; None for none.
        environment: Paths of interpreters, or of the folders of their environments, by the names
            that the user has given them.
        anchor: Commit that each test is also judged by; ``none`` for no anchor, None for the newest
            tag or accepted record among the stored runs.
        anchor_tolerance: Largest loss since the anchor that is let through, in percent; None for
            the tolerance.
        base_setup: Shell command that prepares the tree of a base commit; None if it needs none.
        timeout: Longest time for any one answer of a worker, and for the setup of a base, in
            seconds; None for the defaults.
        require: Names of layers, or of the extras that install what layers need; a test of such a
            layer fails instead of being skipped if the layer cannot run.
        price: Price of this machine in US dollars per hour; None if unknown.
        html: File for the report as a page; None for none.
        markdown: File for the results as Markdown; None for none.
        json: File for the results as JSON; None for none.
        profile: Folder for traces, tables and flame graphs; None for none.
        compare: Value of ``--benchmark-compare``: True for the newest comparable run, the name or
            path of a run, or False for no comparison with stored runs.
        storage: Value of ``--benchmark-storage``, as an absolute path if it is one.
        measures: False if each test takes a single step that is not recorded: pytest-benchmark is
            disabled or replaced by CodSpeed, pytest-xdist runs tests in parallel, or pytest-forked
            each in a process of its own.
        saves: True if pytest-benchmark writes the records to a file.
        is_configured: True if any option or ini key of traingate was given.
    """

    scale: Scale
    launches: int | None
    steps: int | None
    tolerance: float
    on_missing: str
    allow_missing: frozenset[str]
    accept: str | None
    on_inconclusive: str
    steady: str
    against: str | None
    against_python: str | None
    against_environment: str | None
    environment: Mapping[str, str]
    anchor: str | None
    anchor_tolerance: float | None
    base_setup: str | None
    timeout: float | None
    require: frozenset[str]
    price: float | None
    html: str | None
    markdown: str | None
    json: str | None
    profile: str | None
    compare: bool | str
    storage: str
    measures: bool
    saves: bool = False
    is_configured: bool = False

    @property
    def max_pairs(self) -> int:
        """Return the largest number of pairs in a duet."""
        return self.launches or DEFAULT_MAX_PAIRS

    @property
    def keeps_profiles(self) -> bool:
        """Return whether records need a profile: if they are saved, or compared with saved ones."""
        return self.saves or bool(self.compare)

    @property
    def compares(self) -> bool:
        """Return whether tests are compared with anything."""
        return bool(self.compare or self.duet_option)

    @property
    def duet_option(self) -> str:
        """Return the first option that names the base of a duet, with its value; else empty."""
        values = ((name, getattr(self, name)) for name in DUET_OPTIONS)
        options = (
            f"--traingate-{name.replace('_', '-')} {value}" for name, value in values if value
        )
        return next(options, "")
