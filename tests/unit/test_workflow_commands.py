"""No line of any output begins with a command for GitHub Actions, wherever texts are wrapped."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text
from test_hostile_races import race_of

import traingate
from sample_report import record_of
from traingate.cli import main
from traingate.commands import environment, output
from traingate.doctor import Finding, State
from traingate.races.files import save_race
from traingate.records import Published
from traingate.records.race import Elimination
from traingate.report.doctor import print_findings
from traingate.report.row import Row
from traingate.report.table import render
from traingate.report.terminal_text import rendered_text, terminal_line, terminal_text

COMMAND = "::error file=x::injected"
HOSTILE = f"{'x' * 50}{f' {COMMAND}' * 12}"
"""Text of which some line begins with the command, however wide the lines are."""

STYLES = re.compile(r"\x1b\[[0-9;]*m")
LINE_ENDS = re.compile(r"[\n\u2028\u2029]")


def obeyed_lines(text):
    """Return the lines of an output that GitHub Actions would obey."""
    lines = LINE_ENDS.split(STYLES.sub("", text))
    return [line for line in lines if line.lstrip().startswith("::") or "##[" in line]


def test_lines_that_a_job_would_obey_are_found():
    assert obeyed_lines("a\n \x1b[1m::x\x1b[0m\n##[x\nbench.py::test_a") == [" ::x", "##[x"]


@pytest.mark.parametrize("width", range(8, 100, 13))
@pytest.mark.parametrize("colour", [False, True])
def test_no_wrapped_line_of_a_table_begins_with_a_command(width, colour):
    published = (Published(9.0, HOSTILE, machine=HOSTILE, usd_per_hour=0.3),)
    record = record_of(478.1, published=published, environment_name=HOSTILE)
    text = render([Row(HOSTILE, record, HOSTILE)], width, colour=colour)
    assert "injected" in text or width < 30
    assert obeyed_lines(text) == []


@pytest.mark.parametrize("name_width", [8, 9, 100])
def test_the_name_of_a_test_is_changed_only_where_a_line_would_begin_within_it(name_width):
    buffer = io.StringIO()
    Console(file=buffer, width=name_width).print(Text(terminal_line("bench.py::test_a")))
    lines = rendered_text(buffer.getvalue()).splitlines()
    begins_within = name_width == 8
    assert lines[0] == {8: "bench.py", 9: "bench.py:", 100: "bench.py::test_a"}[name_width]
    assert ("\u200b" in "".join(lines)) is begins_within
    assert "".join(lines).replace("\u200b", "") == "bench.py::test_a"


def test_the_table_shows_names_as_they_are():
    assert "bench.py::test_a  " in render(
        [Row("bench.py::test_a", record_of(1.0))], 160, colour=False
    )


TEXTS = st.lists(
    st.sampled_from(
        [":", "::", "::error::x", "##", "##[", "[", " ", "-", "/", "ab", "\n", "\u200b"]
    ),
    max_size=25,
).map("".join)


@settings(deadline=None, max_examples=60, derandomize=True, database=None)
@given(TEXTS, st.integers(1, 12), st.booleans())
def test_no_width_makes_a_command_of_a_text(text, width, colour):
    buffer = io.StringIO()
    console = Console(file=buffer, width=width, force_terminal=colour, highlight=False)
    console.print(Text(terminal_text(text), style="bold"))
    shown = rendered_text(buffer.getvalue())
    assert obeyed_lines(shown) == []
    assert rendered_text(shown) == shown
    letters = re.sub(r"[\s\u200b]", "", STYLES.sub("", shown))
    assert letters == re.sub(r"[\s\u200b]", "", text)


@pytest.mark.parametrize("command", ["show", "report"])
def test_no_line_of_a_race_begins_with_a_command(tmp_path, command):
    dropped = Elimination(candidate=1, heat=1, kind="failed", seconds=1.0, reason=HOSTILE)
    path = tmp_path / "0001_a.race.json"
    save_race(path, race_of(test=HOSTILE, eliminations=(dropped,), axes={HOSTILE: ("y", "x")}))
    result = CliRunner().invoke(main, [command, str(path)])
    assert result.exit_code == 0, result.output
    assert "injected" in result.stdout
    assert obeyed_lines(result.stdout) == []


@pytest.mark.parametrize("columns", ["40", "41", "75"])
def test_no_line_of_the_doctor_or_of_the_environments_begins_with_a_command(
    monkeypatch, capsys, columns
):
    monkeypatch.setenv("COLUMNS", columns)
    finding = Finding(
        topic="topic", subject="subject", state=State.LACKING, found=f"\x1b[2J{HOSTILE}", meaning=HOSTILE, remedy=HOSTILE
    )  # fmt: skip
    output.print_on_console(lambda console: print_findings(console, [finding]))
    monkeypatch.setattr(environment, "created_environments", lambda: {"old": Path(HOSTILE)})
    monkeypatch.setattr(environment, "_versions", lambda *_: (HOSTILE, HOSTILE))
    environment.list_environments.callback()
    shown = capsys.readouterr().out
    assert "lacking" in shown
    assert "\x1b" not in shown
    assert obeyed_lines(shown) == []


def test_all_that_rich_draws_is_cleaned_where_it_is_written():
    """The progress is drawn on terminals alone; pictures are no output."""
    folder = Path(traingate.__file__).parent
    drawing = {
        str(file.relative_to(folder))
        for file in folder.rglob("*.py")
        if re.search(r"\bConsole\(", file.read_text())
    }
    progress = {"commands/runs.py", "report/observers.py"}
    assert drawing - progress == {
        "commands/output.py", "commands/race.py", "report/race.py", "report/table.py",
    }  # fmt: skip
