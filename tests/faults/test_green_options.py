"""Test that a run which is to compare does not end green by an option or a variable."""

from __future__ import annotations

import pytest
from session_option_ways import OF_ENVIRONMENT, OF_OPTIONS
from session_sites import FAST, SMOKE, STORED, TEST_FILE, TESTS, site

LAYERED = """
def test_layered(training_benchmark, flush_denormal):
    training_benchmark(model)
"""
WAYS = {**OF_OPTIONS, **OF_ENVIRONMENT}


@pytest.fixture
def project():
    with site() as made:
        made.store(FAST)
        yield made


@pytest.mark.parametrize(
    "name",
    [
        # These measure all the same; the short form tries them together.
        pytest.param(name, marks=pytest.mark.long if way.says == "REGRESSED" else ())
        for name, way in WAYS.items()
    ],
)
def test_no_way_is_green(project, name):
    ended = WAYS[name].run(project, *STORED)
    assert ended.status != 0, ended.output
    assert WAYS[name].says in ended.output, ended.output
    assert project.leftovers() == []


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        (f"@pytest.mark.skip\n{LAYERED.lstrip()}", (), "which request it, took no step:"),
        (LAYERED, ("--benchmark-skip",), "which request it, took no step:"),
        (LAYERED, ("--collect-only",), "a layer was asked for, and this run ended before"),
    ],
    ids=["skip", "benchmark-skip", "collect-only"],
)
def test_a_required_layer_whose_test_takes_no_step_is_not_green(project, text, arguments, message):
    project.write(TEST_FILE, f"import pytest\nfrom models import model\n\n{text}")
    ended = project.run(*SMOKE, "--traingate-require=flush_denormal", *arguments)
    assert ended.status == 1, ended.output
    assert message in ended.output


def test_a_required_layer_that_no_selected_test_requests_is_no_failure(project):
    project.write(TEST_FILE, f"import pytest\n{TESTS}\n{LAYERED}")
    ended = project.run(*SMOKE, "--traingate-require=flush_denormal", "-k", "not layered")
    assert ended.status == 0, ended.output
