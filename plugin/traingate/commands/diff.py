"""Define ``traingate diff``: say where one run, profile or commit is slower than another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from traingate.baselines import saved_runs
from traingate.baselines.test_names import is_named
from traingate.causes.explanation import explain_change
from traingate.causes.phases import phases_of_profiles
from traingate.commands.output import exit_without_result, print_json, print_text
from traingate.commands.profile import check_end, exit_without_profile, run_profiled, show
from traingate.commands.shared_options import format_option
from traingate.comparison.explanation import explain_records
from traingate.errors import BaselineError, ConfigurationError, DamagedRecordError
from traingate.records import Measurement
from traingate.records.explanation import Explanation
from traingate.records.profile import Profile
from traingate.report.explanation import summary
from traingate.report.profiles import read_profiles
from traingate.untrusted.paths import path_exists


@click.command()
@click.argument("a")
@click.argument("b", required=False)
@click.option("--test", help="Full name, or end of the name, of the only test to compare.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("traingate-profile"),
    show_default=True,
    help="Folder for the profiles of a comparison with a commit.",
)
@format_option("Form of the tables.")
def diff(a: str, b: str | None, test: str | None, output: Path, form: str) -> None:
    """Show where B has lost or won time against A.

    A and B are saved runs, or folders with profiles as --traingate-profile writes them. If A is a
    commit, it is compared with the working tree by a duet of the --test, and B is left out. Exit
    status: 0 compared, 2 nothing could be compared (143 by SIGTERM).
    """
    try:
        if not path_exists(a):
            _compare_with_commit(a, b, test, output, form)
            return
        if b is None:
            exit_without_result(f"{a} is compared with nothing: name B too")
        explanations = list(_explanations(Path(a), Path(b), test))
    except (BaselineError, ConfigurationError) as error:
        exit_without_result(str(error))
    if not explanations:
        exit_without_result(f"no test of {a} and {b} has a profile in both")
    if form == "json":
        content = {name: msgspec.to_builtins(explanation) for name, explanation in explanations}
        print_json(content)
        return
    for name, explanation in explanations:
        print_text("\n".join([name, *summary(explanation)]))


def _compare_with_commit(
    reference: str, other: str | None, test: str | None, output: Path, form: str
) -> None:
    """Compare the working tree with a commit by a duet, and show the difference."""
    if other is not None or test is None:
        raise ConfigurationError(
            f"{reference} is no file: a commit is compared with the working tree, by "
            f"traingate diff {reference} --test TEST"
        )
    files, exit_code = run_profiled(test, output, reference, ())
    if not files:
        exit_without_profile(f"{test} was not compared with {reference}.", exit_code)
    for file in files:
        content = read_profiles(file)
        if content.explanation is None and content.base is not None:
            explanation = _explain_profiles(content.base, content.candidate)
            content = msgspec.structs.replace(content, explanation=explanation)
        show(content, form, file.parent)
    check_end(exit_code)


def _explanations(a: Path, b: Path, test: str | None) -> Iterator[tuple[str, Explanation]]:
    """Yield the explanation of each test that both files or folders have.

    Raises:
        BaselineError, ConfigurationError: If one of them cannot be read.
    """
    are_files = all(map(os.path.isfile, (a, b)))  # unlike Path.is_file, these never raise
    if are_files and "profile.json" not in {a.name, b.name}:
        old, new = map(_measurements, (a, b))
        for name in old:
            if name in new and (test is None or is_named(name, [test])):
                explanation = explain_records(old[name], new[name])
                if explanation is not None:
                    yield name, explanation
        return
    first, second = read_profiles(a), read_profiles(b)
    yield second.test, _explain_profiles(first.candidate, second.candidate)


def _measurements(path: Path) -> dict[str, Measurement]:
    """Return the records of a saved run, by test.

    Raises:
        ConfigurationError: If the file is none.
    """
    try:
        return dict(saved_runs.read_run(path).measurements)
    except DamagedRecordError as error:
        raise ConfigurationError(f"{path} is no profile and no saved run: {error}") from error


def _explain_profiles(old: Profile, new: Profile) -> Explanation:
    """Return the explanation of the change between two profiles, by their profiled steps."""
    phases = phases_of_profiles(old, new)
    return explain_change(old, new, phases, new.step_seconds - old.step_seconds)
