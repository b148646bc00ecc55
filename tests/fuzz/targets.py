"""Targets of the fuzzer: parts that read what others wrote, the statistics, and what must hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import race_targets
import record_targets
import test_statistics_properties
import text_targets
import wire_targets

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@dataclass(frozen=True)
class Target:
    """Part of traingate.

    Attributes:
        inputs: Strategy of its inputs.
        check: Function that raises if the part does not do with an input what it promises.
    """

    inputs: SearchStrategy[Any]
    check: Callable[[Any], object]


TARGETS = {
    "records": Target(record_targets.RUNS, record_targets.check_run),
    "profiles": Target(record_targets.PROFILES, record_targets.check_profile_file),
    "causes": Target(record_targets.PROFILE_PAIRS, record_targets.check_causes),
    "index": Target(record_targets.INDEXES, record_targets.check_index),
    "races": Target(race_targets.RACES, race_targets.check_race_file),
    "wire": Target(wire_targets.PAYLOADS, wire_targets.check_payload),
    "options": Target(wire_targets.OPTIONS, wire_targets.check_options),
    "markdown": Target(text_targets.TEXTS, text_targets.check_markdown),
    "html": Target(text_targets.TEXTS, text_targets.check_html),
    "terminal": Target(text_targets.TEXTS, text_targets.check_terminal),
    "masking": Target(text_targets.SECRETS, text_targets.check_masking),
    "statistics": Target(
        test_statistics_properties.INPUTS, test_statistics_properties.check_property
    ),
}
"""Targets by name."""
