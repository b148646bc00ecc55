"""Run every command of the documentation in a project that has what it names."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from repositories import git

from traingate.cli import main

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
COMMAND = re.compile(r"^    ((?:pytest|traingate|python|tox|pip)(?: [^#\n]+)?)", re.MULTILINE)
COMMANDS = sorted(
    {command.strip() for page in PAGES for command in COMMAND.findall(page.read_text())}
)

OF_THE_CHECKOUT = re.compile(r"^(pip|tox|python benchmarks/)|benchmarks/more|test_ladder")
"""Commands that CI runs, or that docs/evidence has the output of: they take up to half an hour."""

ELSEWHERE = {
    "traingate environment create ipex xla": "tox runs it before the tests",
    "traingate environment create ipex": "tox runs it before the tests",
    "traingate environment create torch-2.9 -r requirements.txt": "takes gigabytes; test_environments",
    "pytest --traingate-against-environment torch-2.9": "test_chosen_environments",
    "traingate bisect test_speed.py::test_net --good v1.2": "test_bisect",
    "pytest --traingate-against-python ../other-venv/bin/python": "test_chosen_environments",
    "pytest --traingate-environment ipex=/opt/ipex --traingate-environment "
    "next=../venv-next/bin/python": "test_chosen_environments",
}
"""Commands that other tests run with paths of their own, or that need another environment."""

STATUSES = {"traingate calibrate TEST": (0,), "traingate accept --reason=WHY": (0, 2)}
"""Statuses of commands that end otherwise than with a verdict."""

PROJECT = ROOT / "docs" / "examples" / "slow_copy"
FAST = ("--traingate-scale=smoke", "--traingate-steps=5", "--traingate-launches=3")
REPLACEMENTS = {"TEST": "test_speed.py::test_net", "benchmarks/": "test_speed.py", "v1.2": "main~1"}


def test_commands_are_found():
    programs = {command.split()[0] for command in COMMANDS}
    assert programs >= {"pytest", "traingate", "python", "tox", "pip"}
    assert {*ELSEWHERE} <= {*COMMANDS}


@pytest.mark.parametrize("command", [item for item in COMMANDS if item.startswith("traingate ")])
def test_the_arguments_of_each_subcommand_are_understood(command, tmp_path):
    (tmp_path / "requirements.txt").touch()
    text = command.replace("requirements.txt", str(tmp_path / "requirements.txt"))
    subcommand, words = main, shlex.split(text)[1:]
    while isinstance(subcommand, click.Group):
        name, *words = words
        subcommand = subcommand.commands[name]
    with subcommand.make_context(name, words) as context:  # checks types, calls the callbacks
        assert context.args == []


@pytest.mark.parametrize("command", [item for item in COMMANDS if item.startswith("python ")])
def test_each_script_exists(command):
    assert (ROOT / shlex.split(command)[1]).is_file()


@pytest.mark.parametrize("command", [item for item in COMMANDS if item.startswith("pytest")])
def test_the_options_of_pytest_are_understood(command, tmp_path):
    words = [
        word
        for word in shlex.split(command)[1:]
        if not word.startswith(("benchmarks", "test_", "tests/"))
    ]
    if "--benchmark-compare" in words:
        words.remove("--benchmark-compare")  # nothing is stored here
        words = [word for word in words if not word.startswith("--traingate-allow-missing")]
    (tmp_path / "test_nothing.py").write_text("def test_nothing(): pass\n")
    options = ("--collect-only", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path))
    process = subprocess.run(
        [sys.executable, "-m", "pytest", *words, *options],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    output = process.stdout + process.stderr
    if process.returncode != 1:  # options that are not understood end with status 4
        assert process.returncode in {0, 5}, output
    else:
        assert "a comparison was asked for, and this run ended before its tests had" in output


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a project with two commits, two saved runs and two folders of profiles."""
    folder = tmp_path_factory.mktemp("documented")
    shutil.copytree(PROJECT, folder, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        git("init", "--quiet", "--initial-branch=main")
        for number, name in enumerate(("base", "now")):
            (folder / "notes").write_text(name)
            git("add", ".")
            git("commit", "--quiet", f"--message={name}")
            profiles = f"--traingate-profile=profiles/{('before', 'after')[number]}"
            run(folder, ["pytest", f"--benchmark-save={name}", profiles, *FAST])
    return folder


def run(folder, words):
    """Return the finished process of a command, whose first word is a program of ours."""
    program = {
        "pytest": [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"],
        "traingate": [sys.executable, "-c", "from traingate.cli import main; main()"],
    }[words[0]]
    return subprocess.run(
        [*program, *words[1:]], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.long
@pytest.mark.parametrize(
    "command",
    [item for item in COMMANDS if not OF_THE_CHECKOUT.search(item) and item not in ELSEWHERE],
)
def test_each_command_runs(command, project):
    text = command
    for placeholder, value in REPLACEMENTS.items():
        text = text.replace(placeholder, value)
    words = [
        path
        for word in shlex.split(text)
        for path in (sorted(map(str, project.glob(word))) if "*" in word else [word])
    ]
    if words[0] == "pytest":
        words += [option for option in FAST if option.partition("=")[0] not in text]
    process = run(project, words)
    assert process.returncode in STATUSES.get(command, (0, 1)), process.stdout + process.stderr
    assert "Traceback" not in process.stderr
