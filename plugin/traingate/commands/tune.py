"""Define ``traingate tune``: find the fastest stack for the workload of a test in a race."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from traingate.commands.output import NO_RESULT, complain, print_text
from traingate.commands.race import print_race
from traingate.commands.shared_options import format_option
from traingate.ending.termination import INTERRUPTED_STATUS, signal_status
from traingate.errors import ConfigurationError
from traingate.races.answer import answer
from traingate.races.files import is_race_file
from traingate.races.space import Space
from traingate.races.standings import Standing
from traingate.races.wishes import Wishes
from traingate.records.race import Objective, Race
from traingate.report.race import progress_line, to_svg
from traingate.report.race_recipe import script_of_candidate
from traingate.untrusted.files import write_atomically

if TYPE_CHECKING:
    from traingate.tuning.tune import TuneOptions

_FILE = click.Path(path_type=Path, dir_okay=False)

_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)
_POWERS: Final = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def _names(_context: click.Context, _option: click.Parameter, text: str) -> tuple[str, ...]:
    """Return the names in a list that commas separate."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _numbers(_context: click.Context, option: click.Parameter, text: str) -> tuple[int, ...]:
    """Return the whole numbers in a list that commas separate.

    Raises:
        BadParameter: If one of them is none, or too small.
    """
    least = 0 if option.name == "workers" else 1
    try:
        numbers = [int(number) for number in text.split(",") if text]
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no list of whole numbers such as 2,4,8") from error
    if any(number < least for number in numbers):
        raise click.BadParameter(f"the numbers are at least {least}")
    return tuple(dict.fromkeys(numbers))


def _size(_context: click.Context, _option: click.Parameter, text: str | None) -> int | None:
    """Return the bytes of a size such as ``6GiB``; None for None.

    Raises:
        BadParameter: If it is no size.
    """
    if text is None:
        return None
    match = _SIZE.fullmatch(text.strip())
    unit = 1024 if match and match[3] else 1000
    size = int(float(match[1]) * unit ** _POWERS[match[2].upper()]) if match else 0
    if not size:
        raise click.BadParameter(f"{text!r} is no size such as 6GiB or 800MB")
    return size


def _race_file(_context: click.Context, _option: click.Parameter, path: Path | None) -> Path | None:
    """Return the path of a record, by whose name other commands recognise it.

    Raises:
        BadParameter: If it has another ending.
    """
    if path is not None and not is_race_file(path):
        raise click.BadParameter(f"the name of a race ends in .race.json, and {path} does not")
    return path


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("test")
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    default=30.0,
    show_default=True,
    help="Time for the race; it ends earlier if a faster candidate is unlikely.",
)
@click.option(
    "--objective",
    type=click.Choice(["samples-per-second", "samples-per-dollar"]),
    default="samples-per-second",
    show_default=True,
    help="What the winner has the most of. Per dollar, a stack pays for the cores that it uses.",
)
@click.option(
    "--price",
    type=click.FloatRange(0, min_open=True),
    metavar="USD_PER_HOUR",
    help="Price of this machine, to show samples per dollar.",
)
@click.option("--max-memory", callback=_size, metavar="SIZE", help="Leave out stacks over it.")
@click.option(
    "--allow", default="", callback=_names, metavar="NAMES", help="Layers that change mathematics."
)
@click.option(
    "--without", default="", callback=_names, metavar="NAMES", help="Axes or layers to leave out."
)
@click.option(
    "--batch-size", default="", callback=_numbers, metavar="NUMBERS", help="Batch sizes to try."
)
@click.option(
    "--workers", default="", callback=_numbers, metavar="NUMBERS", help="Data workers to try."
)
@click.option(
    "--environment", "environments", multiple=True, help="Environment to try too. May be repeated."
)
@click.option("--space", "space_file", type=_FILE, help="TOML file with axes of your own.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Seed of the choices to measure.")
@click.option("--resume", is_flag=True, help="Go on with the newest race of TEST.")
@click.option(
    "-o",
    "--output",
    type=_FILE,
    callback=_race_file,
    metavar="FILE.race.json",
    help="File for the record, or to go on with.",
)
@click.option("--svg", type=_FILE, help="Write the answer as a picture too.")
@click.option("--script", type=_FILE, help="Write a plain training script with the fastest stack.")
@format_option("Form of the answer; json is the record of the race.")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def tune(
    *,
    test: str,
    form: str,
    svg: Path | None,
    script: Path | None,
    pytest_arguments: tuple[str, ...],
    **choices: Any,
) -> None:
    """Find the fastest stack for the workload of TEST on this machine, in a race.

    By default, all layers that can run here and do not change the mathematics are combined. Stacks
    step in turn; those that are slower are dropped, and the best ones meet again in a final.
    Prints the winner, what cannot be told from it, what each layer adds, and how to have it
    without traingate. Ctrl-C ends the race and keeps what is known. Further arguments go to pytest.
    Exit status: 0 a winner, 2 no result, 130 interrupted (143 by SIGTERM).
    """
    from traingate.tuning.tune import TuneRun  # noqa: PLC0415 - loads pytest

    # A test may change the working directory.
    output = choices["output"]
    svg, script, output = (path and path.absolute() for path in (svg, script, output))
    run = TuneRun(_tune_options(**choices), report=_report, announce=_announce)
    # The record alone is the standard output.
    with contextlib.redirect_stdout(sys.stderr) if form == "json" else contextlib.nullcontext():
        status = run.run(test, pytest_arguments)
    if run.race is None:
        complain(f"{test} was not raced.")
        sys.exit(signal_status(status) or NO_RESULT)
    if output is not None and run.path not in {None, output}:
        complain(f"another run has written {output}, so the race was saved as {run.path}")
    race, result = run.race, answer(run.race)
    print_race(race, result, form)
    if form == "text" and run.path is not None:
        print_text(f"\nrecord: {run.path}")
    if svg is not None:
        _write(svg, to_svg(race, result))
    if script is not None and result.winner is not None:
        _write_script(script, race, result.winner)
    if race.end == "interrupted":
        sys.exit(max(status, INTERRUPTED_STATUS))
    if result.winner is None or not race.end:
        sys.exit(NO_RESULT)


def _tune_options(
    *,
    minutes: float,
    objective: Objective,
    price: float | None,
    max_memory: int | None,
    allow: tuple[str, ...],
    without: tuple[str, ...],
    batch_size: tuple[int, ...],
    workers: tuple[int, ...],
    environments: tuple[str, ...],
    space_file: Path | None,
    seed: int,
    resume: bool,
    output: Path | None,
) -> TuneOptions:
    """Return the options of the race, from those of the command."""
    from traingate.tuning.tune import TuneOptions  # noqa: PLC0415 - loads pytest

    output = None if output is None else output.absolute()  # tests may change the folder
    return TuneOptions(
        wishes=Wishes(allow, without, batch_size, workers, environments),
        minutes=minutes,
        objective=objective,
        usd_per_hour=price,
        max_memory_bytes=max_memory,
        space_file=None if space_file is None else space_file.absolute(),
        seed=seed,
        resume=output if resume and output is not None else resume,
        output=output,
    )


def _report(race: Race, seconds: float, write_line: Callable[[str], None]) -> None:
    if race.heats:
        write_line(f"traingate: {progress_line(race, seconds)}")


def _announce(space: Space, left_out: Mapping[str, str], write_line: Callable[[str], None]) -> None:
    """Write the axes of the space, and the choices that cannot run here."""
    write_line("")
    write_line(f"traingate: {space.size} candidates")
    if space.fixed:
        names = ", ".join(layer.name for layer in space.fixed)
        write_line(f"traingate:   all of them with: {names}")
    for axis in space.axes:
        labels = ", ".join(choice.label for choice in axis.choices)
        write_line(f"traingate:   {axis.name}: {labels}")
    for name, reason in left_out.items():
        write_line(f"traingate:   left out: {name}: {reason}")


def _write(path: Path, content: str) -> None:
    try:
        write_atomically(path, content)
    except OSError as error:
        complain(f"{path} was not written: {error}")


def _write_script(path: Path, race: Race, winner: Standing) -> None:
    try:
        script = script_of_candidate(race, race.candidates[winner.candidate])
    except (ConfigurationError, msgspec.ValidationError) as error:
        complain(f"{path} was not written: {error}")
        return
    _write(path, script)
