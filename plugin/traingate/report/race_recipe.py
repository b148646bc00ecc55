"""Say how to have the stack of a candidate without traingate, from the record of its race."""

from __future__ import annotations

import re

import msgspec

from traingate.baselines.comparability import hardware_differences
from traingate.host.hardware import hardware
from traingate.layers.base import ProcessRequest
from traingate.layers.recipe import TrainingForm
from traingate.records.race import Candidate, Race
from traingate.report.recipe.fixtures import text_of_test
from traingate.report.recipe.script import plain_script
from traingate.report.recipe.stored import stack_of_records
from traingate.report.recipe.text import recipe_text


def recipe_of_candidate(race: Race, candidate: Candidate) -> str:
    """Return the variables, the command, the lines of PyTorch, and the test of a candidate.

    Raises:
        ConfigurationError: If this machine has fewer cores than the stack has ranks.
    """
    stack = stack_of_records(candidate.layers)
    warning = ""
    if hardware_differences(race.machine, hardware()):
        warning = "# It was measured on another machine: run traingate show there for its cores.\n"
    recipe = recipe_text(
        stack,
        _request(candidate),
        form=_form(race),
        python=candidate.python or "python",
        versions=candidate.versions or None,
    )
    name = race.test.partition("[")[0].rpartition("::")[2]
    workload = re.search(r"::([\w.]+)(?:\(|$)", race.plain.workload)
    test = text_of_test(
        name or "test_fastest",
        workload[1] if workload else "workload",
        stack,
        arguments=race.workload_arguments,
        environment=candidate.environment or None,
        classes=candidate.classes,
    )
    indented = "".join(f"  {line}\n" if line else "\n" for line in test.splitlines())
    return f"{warning}{recipe}Test\n{indented}"


def script_of_candidate(race: Race, candidate: Candidate) -> str:
    """Return a script that trains under the stack of a candidate, and imports no traingate.

    Raises:
        ConfigurationError: If this machine has fewer cores than the stack has ranks.
    """
    return plain_script(
        stack_of_records(candidate.layers),
        _request(candidate),
        form=_form(race),
        python=candidate.python or "python",
    )


def _request(candidate: Candidate) -> ProcessRequest | None:
    """Return the request of the candidate's stack; None if its record has none."""
    if not candidate.process:
        return None
    return msgspec.convert(candidate.process, ProcessRequest)


def _form(race: Race) -> TrainingForm:
    return msgspec.convert(race.form, TrainingForm)
