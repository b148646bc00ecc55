"""Settings that pytest's command line and its configuration files give."""

from __future__ import annotations

import pytest

from traingate.options import parse

AGAINST_PYTHON = "--traingate-against-python=/usr/bin/python3"


def test_a_setup_of_the_base_is_refused_where_no_commit_is_the_base(pytester):
    with pytest.raises(pytest.UsageError, match="prepares the tree of a base commit"):
        pytester.parseconfigure(AGAINST_PYTHON, "--traingate-base-setup=make")


def test_a_setup_of_the_base_is_taken_where_a_commit_is_the_base(pytester):
    options = ("--traingate-against=main", AGAINST_PYTHON, "--traingate-base-setup=make")
    assert parse(pytester.parseconfigure(*options)).base_setup == "make"


def test_a_projects_setup_of_the_base_is_not_refused_in_other_runs(pytester):
    pytester.makeini("[pytest]\ntraingate_base_setup = make\n")
    assert parse(pytester.parseconfigure(AGAINST_PYTHON)).base_setup == "make"


VERSIONS = [version for version in ((8, 4), (9, 0), (9, 2)) if version <= pytest.version_tuple]
"""Versions of pytest that register the ini keys in different ways, up to the installed one."""


@pytest.fixture(params=VERSIONS, ids=str)
def version(request, monkeypatch):
    """Let the ini keys be registered as for an older version of pytest."""
    monkeypatch.setattr(pytest, "version_tuple", (*request.param, 0))
    return request.param


@pytest.mark.parametrize("text", ["7.5%", "7.5"])
def test_a_percentage_in_an_ini_file_may_have_its_sign(pytester, version, text):
    pytester.makeini(f"[pytest]\ntraingate_tolerance = {text}\ntraingate_steps = 3\n")
    settings = parse(pytester.parseconfigure())
    assert (settings.tolerance, settings.steps) == (7.5, 3)


def test_a_percentage_that_overrides_the_ini_file_may_have_its_sign(pytester, version):
    pytester.makeini("[pytest]\ntraingate_tolerance = 5\n")
    assert parse(pytester.parseconfigure("-o", "traingate_tolerance=7.5%")).tolerance == 7.5


def test_a_text_that_is_no_number_is_refused_with_its_key(pytester, version):
    pytester.makeini("[pytest]\ntraingate_steps = many\n")
    with pytest.raises(pytest.UsageError, match="key traingate_steps needs a whole number"):
        pytester.parseconfigure()


@pytest.mark.parametrize("value", ["7.5", '"7.5%"'])
@pytest.mark.parametrize("version", [each for each in VERSIONS if each >= (9, 0)], indirect=True)
def test_a_percentage_in_toml_is_a_number_or_a_text(pytester, version, value):
    pytester.makepyprojecttoml(f"[tool.pytest]\ntraingate_tolerance = {value}\n")
    assert parse(pytester.parseconfigure()).tolerance == 7.5


@pytest.mark.parametrize(
    ("path", "located"),
    [("venv/bin/python", "{folder}/venv/bin/python"), ("python3.13", "python3.13")],
)
def test_a_relative_interpreter_is_that_of_the_first_working_directory(pytester, path, located):
    settings = parse(pytester.parseconfigure(f"--traingate-against-python={path}"))
    assert settings.against_python == located.format(folder=pytester.path)


@pytest.mark.parametrize(
    ("storage", "located"),
    [
        ("stored", "{folder}/stored"),
        ("file://./stored", "{folder}/stored"),
        ("~/stored", "{folder}/~/stored"),  # as pytest-benchmark has it
        ("elasticsearch+http://localhost:1/a", "elasticsearch+http://localhost:1/a"),
    ],
)
def test_the_storage_is_that_of_the_first_working_directory(pytester, storage, located):
    settings = parse(pytester.parseconfig(f"--benchmark-storage={storage}"))
    assert settings.storage == located.format(folder=pytester.path)
