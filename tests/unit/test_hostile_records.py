"""Texts of a stranger's record: no command obeys them, no picture breaks, no log runs them."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from growth import superlinear_texts
from sample_records import save_run
from sample_report import duet_of, explanation, profile_of, record_of, verdict_of
from traingate import cli
from traingate.baselines.saved_runs import read_run
from traingate.cli import main
from traingate.commands import output
from traingate.records import Acceptance, LayerRecord, Outcome, Published
from traingate.report.profiles import ProfileFile
from traingate.report.row import Row
from traingate.report.table import render
from traingate.report.verdict import explain

HOSTILE = (
    "\x1b[2J\x1b[31mred\x1b]0;title\x07\x9b1A\x07\x08\x7f\n::error file=a::b\n  ::set-output name=a::b\n"
    "x ##[add-path]/tmp\n::stop-commands::x\u061c\u200e\u200f\u202egnp.exe\u2066 [/red] [bold]x <b>&amp;</b> ]]> `|` \u2028::x"
)
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that a terminal obeys."""

COMMANDS = {
    "compare": ["compare", "old.json", "new.json"],
    "compare as JSON": ["compare", "old.json", "new.json", "--format=json"],
    "compare as Markdown": ["compare", "old.json", "new.json", "--format=markdown"],
    "show": ["show", "new.json"],
    "show as JSON": ["show", "new.json", "--format=json"],
    "report": ["report", "new.json"],
    "history": ["history", "."],
    "history as CSV": ["history", ".", "--format=csv"],
    "history as JSON": ["history", ".", "--format=json"],
    "diff": ["diff", "old.json", "new.json"],
    "diff of profiles": ["diff", "old", "new"],
    "diff as JSON": ["diff", "old", "new", "--format=json"],
    "accept": ["accept", "new.json", "--reason=a reason"],
    "no such test": ["show", "new.json", "--test", HOSTILE],
    "no such run": ["show", HOSTILE],
    "no such commit": ["history", ".", "--ref", HOSTILE],
    "no such anchor": ["history", ".", "--anchor", HOSTILE],
    "no such environment": ["environment", "doctor", HOSTILE],
    "bisect": ["bisect", "test", "--good", HOSTILE],
}


def hostile_record(rate=478.1):
    explained = msgspec.structs.replace(
        explanation(), sentence=HOSTILE, facts=(HOSTILE,), files=(HOSTILE,),
        causes=tuple(msgspec.structs.replace(cause, title=HOSTILE) for cause in explanation().causes),
    )  # fmt: skip
    verdict = verdict_of(
        Outcome.REGRESSED, 18.8, failed=True, baseline=HOSTILE, reason=HOSTILE, evidence=(HOSTILE,),
        broken_limits=(HOSTILE,), explanation=explained, changed_steps=HOSTILE,
    )  # fmt: skip
    cells = tuple(
        msgspec.structs.replace(cell, module=HOSTILE, operator=HOSTILE, phase=HOSTILE)
        for cell in profile_of().cells
    )
    profile = msgspec.structs.replace(profile_of(), cells=cells, module_types={HOSTILE: HOSTILE})
    return record_of(
        rate, (LayerRecord(HOSTILE, {"a": HOSTILE}),), workload=HOSTILE, scale=HOSTILE, verdict=verdict,
        duet=msgspec.structs.replace(duet_of(), base=HOSTILE), profile=profile, bound=HOSTILE,
        environment={"python": HOSTILE, "torch": HOSTILE, "packages": {HOSTILE: HOSTILE}, HOSTILE: HOSTILE},
        environment_name=HOSTILE, yardstick=HOSTILE, precision=HOSTILE, counters={HOSTILE: 3},
        reasons={HOSTILE: (HOSTILE,)}, torch_today=HOSTILE,
        published=(Published(9.0, HOSTILE, machine=HOSTILE, usd_per_hour=0.3),),
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", HOSTILE], check=True)
    head = subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()
    for name, rate in (("old", 589.1), ("new", 478.1)):
        path = tmp_path / f"{name}.json"
        save_run(path, {f"bench.py::{HOSTILE}": hostile_record(rate)})
        run = json.loads(path.read_text()) | {"commit_info": {"id": head}}
        (tmp_path / f"0001_{name}.json").write_text(json.dumps(run))
        profile = msgspec.structs.replace(hostile_record().profile, step_seconds=1 / rate)
        content = ProfileFile(test=HOSTILE, candidate=profile)
        (tmp_path / name).mkdir()
        (tmp_path / name / "profile.json").write_bytes(msgspec.json.encode(content))
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_the_output_of_a_command_has_no_control_sequence_and_no_command_for_github(folder, command):
    result = CliRunner().invoke(main, COMMANDS[command])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    output = result.stdout + result.stderr
    assert output.strip()
    assert OBEYED.search(output) is None
    for line in re.split(r"[\n\u2028\u2029]", output):
        assert not line.strip().startswith("::"), line
        assert "##[" not in line
    if command.endswith("JSON") and result.exit_code in {0, 1}:
        json.loads(result.stdout)


CLEANING = """
from growth import superlinear
from traingate.commands.output import terminal_text
from traingate.untrusted.masking import masked_text

parts = ("\\n", "\\n ", " ", "\\u2028", "\\t:", "\\x1b[", "\\x1b[0", "\\x1b]0;", "\\x9d", "a://", "--", "auth-", "eyJ-", "x")
texts = [("", part) for part in parts]
print(superlinear(lambda text: masked_text(terminal_text(text)), texts, 40_000))
"""


def test_cleaning_a_text_takes_time_in_proportion_to_its_length():
    assert superlinear_texts(CLEANING) == "[]\n"


@pytest.mark.parametrize("secret", ["ghp_q7Zx9Lm2Vb4Nc8Kd1Fg51234", "https://u:q7Zx9Lm2@host/a"])
def test_a_secret_behind_a_colour_is_masked(secret, capsys):
    output.complain(f"failed: \x1b[32m{secret}\x1b[0m")
    assert "q7Zx9Lm2" not in capsys.readouterr().err


def test_commands_print_through_the_module_that_cleans():
    commands = Path(output.__file__).parent
    files = {*commands.glob("*.py"), Path(cli.__file__)}
    printing = {file.name for file in files if "click.echo(" in file.read_text()}
    # The completion has no text of others.
    assert printing == {"output.py", "completion.py"}


def test_a_table_with_colours_has_no_other_control_sequence():
    text = render([Row(HOSTILE, hostile_record(), HOSTILE)], 160, colour=True)
    assert "\x1b[1m" in text
    assert OBEYED.search(re.sub(r"\x1b\[[0-9;]*m", "", text)) is None


def test_the_text_of_a_failing_test_has_none():
    assert OBEYED.search(explain(hostile_record().verdict)) is None
    accepted = msgspec.structs.replace(
        hostile_record().verdict, accepted=Acceptance(HOSTILE, "2026"), broken_limits=()
    )
    assert OBEYED.search(explain(accepted)) is None


def test_a_picture_is_well_formed_and_has_elements_of_its_own_only(folder):
    (folder / "plain").mkdir()
    save_run(folder / "plain.json", {"bench.py::test_a": record_of(478.1)})
    elements = []
    for name in ("new", "plain"):
        result = CliRunner().invoke(main, ["report", f"{name}.json", "--svg", f"{name}.svg"])
        assert result.exit_code == 0, result.stderr
        root = ET.parse(folder / f"{name}.svg").getroot()
        elements.append({element.tag for element in root.iter()})
    assert elements[0] == elements[1]


def test_a_csv_file_has_the_same_columns_in_each_row(folder):
    result = CliRunner().invoke(main, ["history", ".", "--format=csv"])
    rows = list(csv.reader(io.StringIO(result.stdout)))
    assert len({len(row) for row in rows}) == 1
    assert len(rows) > 1


def test_a_csv_file_has_no_control_sequence_and_no_formula(folder):
    for path in folder.glob("0001_*.json"):
        path.write_text(path.read_text().replace("Test CPU", "\\u001b[2J=HYPERLINK(1)"))
    arguments = ["history", ".", "--format=csv", "--output=history.csv"]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    text = (folder / "history.csv").read_text()
    assert OBEYED.search(text) is None
    assert "'=HYPERLINK" in text
    assert not any(
        cell[:1] in {"=", "+", "-", "@"} for row in csv.reader(io.StringIO(text)) for cell in row
    )


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_terminal_of_any_encoding_shows_a_record(folder, encoding):
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONWARNINGS": "ignore"}
    program = "from traingate.cli import main; main()"
    for arguments in (["show", "new.json"], ["show", "no\udcffsuch"]):
        process = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env=environment,
            capture_output=True,
            check=False,
        )
        assert b"Traceback" not in process.stderr, process.stderr
        assert process.returncode == (2 if arguments[1].startswith("no") else 0)


def test_a_record_runs_nothing_and_writes_nothing_beside_what_was_asked_for(folder, monkeypatch):
    """The name of a test is a path, a shell command and an option; a link leads outside."""
    outside = folder.parent / "outside"
    outside.write_text("precious")
    name = "../../../x::$(touch ran);`touch ran`|touch ran --upload-pack=touch\x00ran"
    save_run(folder / "evil.json", {name: hostile_record()})
    (folder / "evil.accepting").symlink_to(outside)
    (folder / "page.html").symlink_to(outside)
    (folder / "table.svg").symlink_to(outside)
    before = {*folder.parent.rglob("*")}
    for arguments in (
        ["accept", "evil.json", "--reason=why"],
        ["report", "evil.json", "-o", "page.html"],
        ["report", "evil.json", "--svg", "table.svg"],
        ["compare", "evil.json", "evil.json"],
    ):
        CliRunner().invoke(main, arguments)
    assert outside.read_text() == "precious"
    assert {*folder.parent.rglob("*")} == before
    assert not (folder / "page.html").is_symlink()
    assert read_run(folder / "evil.json").measurements[0][1].verdict.accepted.reason == "why"
