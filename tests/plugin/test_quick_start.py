"""Follow docs/quick-start.md as a newcomer does: its files, its commands, and its workflow."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "quick-start.md").read_text()
COMMANDS = re.findall(r"^    ((?:pip|pytest|git|traingate) .+)$", PAGE, re.MULTILINE)
FAST = "--traingate-scale=smoke --traingate-steps=6 --traingate-launches=3 -p no:cacheprovider"
INSTALLED = "pip install pytest-traingate"
"""Command that tox has run instead, with the wheel of this checkout."""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs a command of the page in a new folder with its files."""
    monkeypatch.chdir(tmp_path)
    for name, text in re.findall(r"```python\n# (\S+)\n(.+?)```", PAGE, re.DOTALL):
        Path(name).write_text(text)
    programs = Path(sys.executable).parent
    variables = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTEST_ADDOPTS": FAST,
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "user.name",
        "GIT_CONFIG_VALUE_0": "a",
        "GIT_CONFIG_KEY_1": "user.email",
        "GIT_CONFIG_VALUE_1": "a@b",
    }

    def call(command):
        return subprocess.run(  # noqa: S602 - commands of our own page, as a shell reads them
            command, shell=True, check=False, capture_output=True, text=True, env=variables
        )

    return call


@pytest.mark.long
def test_the_commands_lead_to_a_gated_benchmark(run, tmp_path):
    assert COMMANDS[0] == INSTALLED
    assert len(COMMANDS) <= 10
    outputs = {}
    models = Path("models.py")
    for command in COMMANDS[1:]:
        if command == "pytest test_speed.py --traingate-against main":
            slower = "torch.nn.ReLU(),\n" + "        torch.nn.Conv2d(32, 32, 3, padding=1),\n" * 3
            models.write_text(models.read_text().replace("torch.nn.ReLU(),\n", slower, 1))
        outputs[command] = run(command)
    compared = [process for command, process in outputs.items() if "--traingate-against" in command]
    for command, process in outputs.items():
        assert process in compared or process.returncode == 0, (command, process.stdout)
    for process in compared:
        assert process.returncode == 1
        assert "REGRESSED: by the code: " in process.stdout
    assert "samples/s" in outputs["pytest test_speed.py"].stdout
    assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert "at the newest of 1 commit" in outputs["traingate history"].stdout


def test_a_gate_for_pull_requests_takes_five_lines():
    (workflow,) = re.findall(r"```yaml\n(.+?)```", PAGE, re.DOTALL)
    assert len(workflow.splitlines()) == 5
    assert (DOCS.parent / ".github" / "actions" / "gate" / "action.yml").is_file()
