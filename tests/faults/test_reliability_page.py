"""Test that each row of docs/reliability.md names tests, and that these exist."""

from __future__ import annotations

import re
from pathlib import Path

import fault_table
import pytest
from fault_table import GROUPS
from test_long_life import BENCHMARKS, LAUNCHES, RSS_BYTES_PER_LAUNCH

from traingate.baselines import run_files
from traingate.protocol import handshake
from traingate.pull_requests import data_branch
from traingate.worktree import git_command

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "reliability.md"
FAULTS = {fault.name for group in GROUPS.values() for fault in group}
FILES = sorted(TESTS.glob("*/test_*.py"))
FUNCTIONS = {
    name
    for file in FILES
    for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
}
LISTS = {
    name
    for file in FILES
    for name in re.findall(r"^([A-Z_]+) = \{", file.read_text(), re.MULTILINE)
}
"""Names of the tables of cases in the files of tests."""

COMMANDS = ("tox run -e ", "pytest tests/", "python tests/", "tests-py")


def rows():
    """Return the section, the first cell and the last one of each row that is to name tests."""
    section, has_tests, cells = "", False, []
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            section = line[3:]
        if not line.startswith("|"):
            has_tests = False
            continue
        columns = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if columns[-1].startswith("test"):  # the names of the columns
            has_tests = True
        elif has_tests and not columns[0].startswith("---"):
            cells.append((section, columns[0], columns[-1]))
    return cells


ROWS = rows()


def exists(name):
    """Return whether this is the name of a test, a file or folder of tests, a fault or a command."""
    if name.startswith(COMMANDS):
        return True
    if "/" in name:
        return (TESTS.parent / name).exists()
    modules = {file.stem for file in FILES}
    known_names = FAULTS | FUNCTIONS | LISTS | modules | {Path(fault_table.__file__).name}
    return name in known_names or name.removesuffix(".py") in modules


@pytest.mark.parametrize(("section", "fault", "names"), ROWS, ids=[row[1][:50] for row in ROWS])
def test_each_row_names_tests_that_exist(section, fault, names):
    named = re.findall(r"`([^`]+)`", names)
    is_command_of_a_file = "the same file" in names
    assert named or is_command_of_a_file
    assert [name for name in named if not exists(name)] == []


def test_each_section_has_such_a_table():
    assert len({section for section, *_ in ROWS}) == 6
    assert len(ROWS) > 130


LIMITS = {
    "after half an hour": git_command._LONGEST_SECONDS == 1800,
    "more than 32, with": handshake._MAX_PEERS == 32,
    "after 10 s at most": handshake._PEER_SECONDS == 10,
    "more than 8 GiB or 100,000 files": (data_branch._MAX_BYTES, data_branch._MAX_FILES)
    == (8 << 30, 100_000),
    "test_long_life.py` with 32 launches; `": LAUNCHES["short"] == 32,
    "test_long_life.py -m long` with 300 |": LAUNCHES["long"] == 300,
    "300 launches in one session": LAUNCHES["long"] == 300,
    "less than 40 KB of memory per launch": RSS_BYTES_PER_LAUNCH == 40_000,
    "the same file with 8 and with 200 benchmarks": BENCHMARKS == {"short": 8, "long": 200},
    "200 benchmarks are compared in one run": BENCHMARKS["long"] == 200,
    "512 MiB": run_files.MAX_RUN_BYTES == 512 << 20,
}
"""Limits on the page, most of which tests replace by smaller ones, and whether the code has them."""


@pytest.mark.parametrize("limit", LIMITS)
def test_limits_on_the_page_are_those_of_the_code(limit):
    assert limit in PAGE.read_text()
    assert LIMITS[limit]


def test_each_fault_of_a_worker_is_on_the_page():
    documented = {
        name
        for section, _, names in ROWS
        if section == "Faults of workers"
        for name in re.findall(r"`(\w+)`", names)
    }
    assert documented - FUNCTIONS == FAULTS
