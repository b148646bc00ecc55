"""The process that removes folders removes each one that it can, whatever it is told beside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from traingate.worktree import removal
from traingate.worktree.removal import Removal

SCRIPT = removal._CLEANUP_SCRIPT

DAMAGES = {
    "not UTF-8": b'{"folder": "\xff"}\n',
    "no JSON": b"\xff\x00{\n",
    "half of a line": b'{"folder": "/tmp/traingate-sess\n',
    "half of the last line": b'{"folder": "/tmp/traingate-sess',
    "no object": b"[1]\n",
    "nested deeply": b"[" * 100_000 + b"\n",
    "no path": b'{"folder": 5}\n{"pattern": null}\n{"folder": "\\u0000"}\n',
    "no path of any encoding": b'{"folder": "\\ud800"}\n',
    "no group": b'{"group": "x", "runs": true}\n{"group": [], "runs": true}\n{"group": 7}\n',
    "no number of a group": b'{"group": 9223372036854775807000, "runs": true}\n',
    "a repository that is gone": b'{"folder": "/no/folder", "repository": "/no/repository"}\n',
}


def clean_up(text, *options, **variables):
    """Run the script with a text as its input; it must end with status 0 and print nothing."""
    environment = {**os.environ, **variables}
    command = [sys.executable, *options, "-I", "-S", str(SCRIPT), str(os.getpid())]
    process = subprocess.run(command, input=text, capture_output=True, check=True, env=environment)
    assert process.stdout + process.stderr == b""


def line(**entry):
    return json.dumps(entry).encode() + b"\n"


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_line_that_is_damaged_keeps_no_other_entry(tmp_path, damage):
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    before, after = (line(folder=str(folder)) for folder in folders)
    texts = [before, DAMAGES[damage], after]
    if not DAMAGES[damage].endswith(b"\n"):
        texts = [before, after, DAMAGES[damage]]
    with subprocess.Popen(["sleep", "600.5"], start_new_session=True) as running:
        try:
            clean_up(b"".join([line(group=running.pid, runs=True), *texts]))
            assert running.wait(10) == -signal.SIGKILL
        finally:
            running.kill()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_dangling", [True, False])
def test_of_a_link_in_the_place_of_a_folder_the_link_alone_is_removed(tmp_path, is_dangling):
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    if not is_dangling:
        target.mkdir()
        (target / "file").touch()
    clean_up(line(folder=str(link)))
    assert {path.name for path in tmp_path.rglob("*")} == (
        set() if is_dangling else {"target", "file"}
    )


@pytest.mark.parametrize("name", [b"\xc3\xa9", b"\xff\xe9"], ids=["UTF-8", "other"])
def test_names_outside_of_ascii_are_removed_under_every_encoding(tmp_path, name):
    parent = tmp_path / os.fsdecode(name)
    parent.mkdir()
    with Removal() as kept:
        kept.make_folder("a-", parent)
    assert list(parent.iterdir()) == []
    (parent / "b").mkdir()
    text = os.fsencode(parent / "b").decode(errors="surrogateescape")
    clean_up(line(folder=text), "-X", "utf8=0", LC_ALL="C")
    assert list(parent.iterdir()) == []


def test_patterns_are_paths_too(tmp_path):
    names = [b"a-\xff", b"a-\xc3\xa9", b"b"]
    for name in names:
        (tmp_path / os.fsdecode(name)).mkdir()
    clean_up(line(pattern=f"{tmp_path}/a-*"), "-X", "utf8=0", LC_ALL="C")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
