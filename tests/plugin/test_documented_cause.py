"""Test that the commands of docs/use/profiling.md show what the page says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from repositories import git

pytestmark = pytest.mark.long

TRAINGATE = Path(sysconfig.get_path("scripts")) / "traingate"
DOCS = Path(__file__).parents[2] / "docs"
PROJECT = DOCS / "examples" / "slow_copy"
PAGE = (DOCS / "use" / "profiling.md").read_text()
SAMPLE = (DOCS / "examples" / "slow_copy.txt").read_text()
UNCHANGED_LINE = "y = torch.relu(self.conv1(x))"


@pytest.fixture
def pull_request(tmp_path, monkeypatch):
    """The project of the page, with the change that the page shows."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(PROJECT, tmp_path, dirs_exist_ok=True)
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message=start")
    (changed,) = re.findall(rf"```python\n(.+?)\n{re.escape(UNCHANGED_LINE)}\n```", PAGE, re.DOTALL)
    models = tmp_path / "models.py"
    indent = " " * 8
    text = models.read_text()
    assert UNCHANGED_LINE in text
    lines = "".join(f"{line}\n{indent}" for line in changed.splitlines())
    models.write_text(text.replace(UNCHANGED_LINE, f"{lines}{UNCHANGED_LINE}"))


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def commands_of_page(program):
    return re.findall(rf"^    {program} (.+)$", PAGE, re.MULTILINE)


def without_numbers(text):
    return re.sub(r"[+-]?\d[\d.]*", "N", text)


def cause_of(text):
    return without_numbers(re.search(r"REGRESSED: .*", text)[0])


@pytest.mark.usefixtures("pull_request")
def test_the_page_shows_what_its_commands_print():
    command = commands_of_page("pytest")[0].split()
    result = run(sys.executable, "-m", "pytest", *command)
    assert result.returncode == 1, result.stdout
    assert cause_of(result.stdout) == cause_of(SAMPLE)
    assert "aten::copy_ is new" in cause_of(SAMPLE)
    assert "blocks.* (Block) (forward)" in cause_of(SAMPLE)
    tables = run(TRAINGATE, "diff", "HEAD", "--test", "test_speed.py::test_net")
    assert tables.returncode == 0, tables.stderr
    for words in ("operators", "modules", "aten::copy_ is new", "of the slowdown"):
        assert words in tables.stdout
    profile = run(TRAINGATE, *commands_of_page("traingate")[0].split())
    assert profile.returncode == 0, profile.stderr
    for words in ("phases", "blocks.0", "aten::copy_"):
        assert words in profile.stdout
