"""Test whether a command line asks for a comparison, or only for a list."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from damages import DAMAGES
from traingate.ending.command_line import CommandLine, read_command_line
from traingate.ending.early_exit import COMMAND_LINE_KEY

ASKING = [
    ["--benchmark-compare"],
    ["--benchmark-compare=0001"],
    ["--traingate-against", "HEAD"],
    ["--traingate-require=torch_compile"],
    ["@gate.txt"],
    ["@outer.txt"],
    ["-o", "traingate_against=HEAD"],
    ["-otraingate_against=HEAD"],
    ["-qotraingate_against=HEAD"],
    ["--override-ini", "traingate_against=HEAD"],
    ["--override-ini=traingate_require=torch_compile"],
    ["--override-ini=traingate_against_python=python"],
    ["-o", "addopts=-q --traingate-against=HEAD"],
    ["-o", "addopts=-o traingate_against=HEAD"],
    ["-o", "addopts=@outer.txt"],
    ["@key.txt"],
    ["-o", "traingate_against=HEAD", "-o", "console_output_style=classic"],
]
"""Arguments that ask for a comparison, or a layer."""

NOT_ASKING = [
    [],
    ["-k", "traingate_against=HEAD"],
    ["-o", "traingate_against="],
    ["-o", "addopts="],
    ["-o", "traingate_scale=smoke"],
    ["@list.txt"],
    ["-c", "other.ini"],
]
"""Arguments that do not; a configuration file may."""

LISTING = [
    ["--collect-only"], ["--collectonly"], ["--co"], ["-q", "--co"], ["@list.txt"], ["--fixtures"],
    ["--funcargs"], ["--fixtures-per-test"], ["--markers"],
    ["-VV"],
]  # fmt: skip
"""Arguments with which pytest prints something, and runs no test."""

NOT_LISTING = [
    [], ["-k=--collect-only"], ["-k", "co"], ["--", "--collect-only"], ["--setup-only"],
    ["--override-ini=addopts=--collect-only"],
]  # fmt: skip


@pytest.fixture
def project(pytester):
    """Return pytester in a project with an ini key that asks, and files of arguments."""
    pytester.makefile(
        ".txt",
        gate="--traingate-against=HEAD\n",
        outer="-q\n@gate.txt\n",
        key="-o\ntraingate_against=HEAD\n",
        list="@inner.txt\n",
        inner="--collect-only\n",
        endless="-o\naddopts=@endless.txt\n",
    )
    pytester.makefile(".ini", pytest="[pytest]\ntraingate_against = HEAD\n", other="[pytest]\n")
    return pytester


@pytest.fixture
def read(project, pytestconfig):
    """Return a function from a command line to whether it asks, and whether it only lists.

    The parser is that of the session which runs this test: a session for each line takes long.
    """

    def read(*arguments):
        parser = pytestconfig._parser
        config = SimpleNamespace(
            invocation_params=SimpleNamespace(args=arguments),
            option=parser.parse_known_args(arguments),
        )
        command_line = read_command_line(config, parser)
        return command_line.asks, command_line.requests_listing(config)

    return read


def command_line_of(config):
    return config.stash[COMMAND_LINE_KEY]


@pytest.mark.parametrize("arguments", ASKING, ids=" ".join)
def test_a_command_line_that_asks_is_no_request_for_a_list(read, arguments):
    assert read(*arguments, "--collect-only") == (True, False)


def test_a_file_of_arguments_that_never_ends_may_have_asked(read):
    assert read("@endless.txt", "--collect-only") == (True, False)


@pytest.mark.parametrize("arguments", NOT_ASKING, ids=" ".join)
def test_a_command_line_that_does_not_ask_may_request_a_list(read, arguments):
    assert read(*arguments, "--collect-only") == (False, True)


@pytest.mark.parametrize("arguments", LISTING, ids=" ".join)
def test_a_request_for_a_list_is_known_in_every_spelling(read, arguments):
    assert read(*arguments) == (False, True)


@pytest.mark.parametrize("arguments", NOT_LISTING, ids=" ".join)
def test_other_arguments_request_no_list(read, arguments):
    assert read(*arguments) == (False, False)


@pytest.mark.parametrize("argument", ["--help", "-h", "-qh", "--cache-show", "--cache-show=a*"])
def test_help_and_the_cache_are_lists(project, argument):
    config = project.parseconfig(argument)
    assert command_line_of(config).requests_listing(config)


def test_a_run_knows_its_command_line_before_any_conftest_file(project):
    project.makeconftest("open('gate.txt', 'w').close()")
    config = project.parseconfig("@outer.txt", "--collect-only")
    assert config.option.traingate_against is None
    assert command_line_of(config) == CommandLine(True, ("collectonly",))
    assert not command_line_of(config).requests_listing(config)


def test_options_of_others_are_not_those_of_the_command_line(project, monkeypatch):
    project.makefile(".ini", pytest="[pytest]\naddopts = --traingate-against=HEAD --collect-only\n")
    config = project.parseconfig()
    assert config.option.collectonly
    assert not command_line_of(config).requests_listing(config)
    config = project.parseconfig("--collect-only")
    assert command_line_of(config).requests_listing(config)
    project.makefile(".ini", pytest="[pytest]\naddopts = --traingate-against=HEAD\n")
    monkeypatch.setenv("PYTEST_ADDOPTS", f"{os.environ['PYTEST_ADDOPTS']} --collect-only")
    config = project.parseconfig()
    assert config.option.collectonly
    assert not command_line_of(config).requests_listing(config)


def test_a_list_that_was_requested_and_that_pytest_does_not_print_is_none(project):
    config = project.parseconfig("--collect-only")
    config.option.collectonly = False
    assert not command_line_of(config).requests_listing(config)


@pytest.mark.parametrize("damage", ["a FIFO", "a link to a device", "binary", "a folder"])
@pytest.mark.parametrize("argument", ["@inner.txt", "@list.txt"])
def test_arguments_in_a_file_that_cannot_be_read_again_may_have_asked(project, argument, damage):
    config = project.parseconfig(argument)
    assert config.option.collectonly
    DAMAGES[damage](project.path / "inner.txt")
    assert read_command_line(config, config._parser) == CommandLine(asks=True, is_unknown=True)


REQUIRED = """
def pytest_addoption(parser):
    parser.addoption("--model", required=True)
"""


def test_a_command_line_that_is_complete_with_addopts_alone_asks_for_nothing(project):
    project.makepyfile(required=REQUIRED)
    project.syspathinsert()
    project.makefile(".ini", pytest="[pytest]\naddopts = -p required --model=net\n")
    config = project.parseconfig("--collect-only")
    assert config.option.model == "net"
    assert not command_line_of(config).asks
    assert not command_line_of(config).requests_listing(config)
