"""Define ``traingate show``: all that the record of a saved run says about its tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from traingate.commands.output import exit_without_result, print_json, print_text
from traingate.commands.race import print_race
from traingate.commands.runs import RUN_COMPLETION, find_run
from traingate.commands.shared_options import STORAGE, format_option
from traingate.errors import BaselineError
from traingate.races.answer import answer
from traingate.races.files import is_race_file, read_race
from traingate.records import Launch, Measurement, stack_label
from traingate.report.row import samples_per_second
from traingate.report.verdict import explain


@click.command()
@click.argument("run", required=False, shell_complete=RUN_COMPLETION)
@click.option("--test", "tests", multiple=True, help="Show tests whose name has this part alone.")
@STORAGE
@format_option("Form of the records.")
def show(run: str | None, tests: tuple[str, ...], storage: str, form: str) -> None:
    """Show the records of a saved run: verdicts, launches, counters, machine and environment.

    RUN is a file, also one of a race (traingate tune); a storage, for its newest run; the number or
    name of a saved run in --storage; or a commit, for its newest run. By default it is the newest
    run. Exit status: 0 shown, 2 no such run or test.
    """
    if run is not None and is_race_file(Path(run)):
        _show_race(Path(run), form)
        return
    try:
        saved_run = find_run(run, storage)
    except BaselineError as error:
        exit_without_result(error)
    measurements = [
        (test, measurement)
        for test, measurement in saved_run.measurements
        if not tests or any(part in test for part in tests)
    ]
    if not measurements:
        exit_without_result(f"{saved_run.path} has no record of such a test.")
    if form == "json":
        print_json([{"test": test, "record": record} for test, record in measurements])
        return
    lines = [saved_run.title, ""]
    for test, measurement in measurements:
        lines += _record_lines(test, measurement)
    print_text("\n".join(lines))


def _show_race(path: Path, form: str) -> None:
    """Print the answer of a race, made again from its record."""
    try:
        race = read_race(path)
    except BaselineError as error:
        exit_without_result(error)
    print_race(race, answer(race), form)


def _record_lines(test: str, record: Measurement) -> Iterator[str]:
    yield test
    yield f"  {samples_per_second(record)} samples/s in {len(record.launches)} launches"
    yield f"  workload    {record.workload}, batch {record.batch_size}, scale {record.scale}"
    yield f"  stack       {stack_label(record.stack)}"
    if record.verdict is not None:
        yield from (f"  {line}" for line in explain(record.verdict).splitlines())
    for number, launch in enumerate(record.launches, 1):
        yield f"  launch {number}    {_launch_text(launch)}"
    if record.roofline_share is not None:
        bound = f" of the limit by {record.bound}" if record.bound else ""
        yield f"  roofline    {100 * record.roofline_share:.0f} %{bound}"
    counters = {name: count for name, count in sorted(record.counters.items()) if count}
    if counters:
        yield f"  counters    {', '.join(f'{name} {count}' for name, count in counters.items())}"
    yield f"  machine     {record.machine.title}"
    software = {k: v for k, v in record.environment.items() if isinstance(v, str | int | float)}
    yield f"  environment {record.environment_name}: " + ", ".join(
        f"{name} {value}" for name, value in software.items()
    )
    yield ""


def _launch_text(launch: Launch) -> str:
    steps = len(launch.step_seconds)
    seconds = sum(launch.step_seconds)
    return (
        f"{steps} steps in {seconds:.3g} s after {launch.warmup_steps} to warm up, "
        f"first step {launch.first_step_seconds:.3g} s, "
        f"memory {launch.peak_rss_bytes / 1e9:.2f} GB"
    )
