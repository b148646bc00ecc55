"""Define the explanation of a change: where the time of a step was lost or won."""

from __future__ import annotations

from msgspec import Struct

from traingate.records.units import Interval, Seconds


class PhaseChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change of one phase of the step, as the timed steps show it.

    Attributes:
        phase: Name of the phase, as in ``Launch.phase_seconds``.
        base_seconds: Mean seconds per step of the base.
        seconds: Mean seconds per step of the candidate.
        change_interval: 95 % interval of the difference, in seconds per step; None if there was
            only one pair.
    """

    phase: str
    base_seconds: Seconds
    seconds: Seconds
    change_interval: Interval | None = None

    @property
    def change(self) -> float:
        """Return the difference in seconds per step, positive if the candidate is slower."""
        return self.seconds - self.base_seconds


class PartChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change of a part of the step, as the profiles show it.

    Attributes:
        title: Description of the part, and of what has changed about it.
        phase: Phase of the part; empty if it is in several.
        module: Path of its module, in which ``*`` stands for any number; empty if it is in several
            modules, or outside of modules.
        operator: Name of its operator; empty if it has several.
        base_calls: Calls per step of the base.
        calls: Calls per step of the candidate.
        base_seconds: Seconds per step of the base.
        seconds: Seconds per step of the candidate.
        share: Share of this part's change in the change of the whole step.
        share_interval: 95 % interval of ``share``; None if it is unknown.
    """

    title: str
    phase: str = ""
    module: str = ""
    operator: str = ""
    base_calls: float = 0.0
    calls: float = 0.0
    base_seconds: float
    seconds: float
    share: float
    share_interval: Interval | None = None

    @property
    def change(self) -> float:
        """Return the difference in seconds per step, positive if the candidate is slower."""
        return self.seconds - self.base_seconds


class Explanation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Explanation of the difference between two sides.

    Attributes:
        sentence: Largest cause in words, with its share and its place; or that there is none.
        change: Seconds per step that the candidate takes longer, negative if it is faster.
        change_interval: 95 % interval of ``change``; None if there was only one pair.
        causes: Parts of the step that explain the change, the largest first. No time belongs to two
            of them.
        unexplained_seconds: Rest of ``change``, in no part of ``causes``.
        phases: Changes of the phases; they add up to ``change``.
        operators: Operators that have changed most, over all modules.
        modules: Modules that have changed most, with the modules inside of them.
        facts: Further differences that the profiles show, a sentence each.
        files: Paths of the folders with traces, tables and the flame graph.
    """

    sentence: str
    change: float
    change_interval: Interval | None = None
    causes: tuple[PartChange, ...] = ()
    unexplained_seconds: float = 0.0
    phases: tuple[PhaseChange, ...] = ()
    operators: tuple[PartChange, ...] = ()
    modules: tuple[PartChange, ...] = ()
    facts: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
