"""Go on with an earlier race, if it is of the same test, code, settings and machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from traingate.baselines.comparability import environment_changes, hardware_differences
from traingate.errors import ConfigurationError
from traingate.races.files import RaceFile, newest_file, read_race
from traingate.records.race import Race

_Values: TypeAlias = Iterable[tuple[str, object, object]]
"""Names of values, each with the value of the earlier race and that of the new one."""


def read_earlier(
    path: Path | None, folder: Path, *, test: str, seed: int, settings: Mapping[str, Any]
) -> tuple[Race, RaceFile]:
    """Return an earlier race, as far as its options allow to go on with it, and its file.

    Args:
        path: File of the race; None for the newest race of the test.
        folder: Folder of the races.
        test: Full name of the test.
        seed: Seed of the new race.
        settings: Settings that the options of the new race give.

    Raises:
        ConfigurationError: If it is of another test, or has other settings.
        DamagedRecordError, NoRunError: If there is no earlier race that can be read.
    """
    if path is None:
        path = newest_file(folder, test)
    file = RaceFile(folder, path, goes_on=True)
    earlier = read_race(path)
    compared = [("the test", earlier.test, test), ("--seed", earlier.seed, seed)]
    _refuse(_differences([*compared, *_compared_settings(earlier, settings)]))
    return earlier, file


def continued(earlier: Race, started: Race) -> Race:
    """Return the earlier race, to go on with.

    Args:
        earlier: The earlier race.
        started: Race of which the plain workload was measured.

    Raises:
        ConfigurationError: If it is of other code or settings, or of another machine.
    """
    differences = _differences(
        [
            ("the workload", earlier.plain.workload, started.plain.workload),
            ("the scale", earlier.plain.scale, started.plain.scale),
            ("the layers of all candidates", earlier.plain.stack, started.plain.stack),
            ("the batch size", earlier.plain.batch_size, started.plain.batch_size),
            ("the project's code", earlier.files_digest, started.files_digest),
            ("the space", earlier.axes, started.axes),
            *_compared_settings(earlier, started.settings),
        ]
    )
    if hardware_differences(earlier.machine, started.machine):
        differences.append("the machine")
    differences += environment_changes(earlier.plain.environment, started.plain.environment)
    _refuse(differences)
    return msgspec.structs.replace(
        earlier, usd_per_hour=started.usd_per_hour or earlier.usd_per_hour
    )


def _compared_settings(earlier: Race, settings: Mapping[str, Any]) -> _Values:
    return [(f"--{name}", earlier.settings.get(name), value) for name, value in settings.items()]


def _differences(values: _Values) -> list[str]:
    return [name for name, before, now in values if before != now]


def _refuse(differences: list[str]) -> None:
    """Refuse to go on with a race that differs.

    Raises:
        ConfigurationError: If there are differences.
    """
    if differences:
        raise ConfigurationError(
            "the earlier race cannot go on, because these differ: "
            f"{'; '.join(differences)}. Start a new one without --resume."
        )
