"""Time limits hold although a test has replaced the functions of ``time``."""

import ast
import time
from pathlib import Path

import traingate
from traingate.untrusted import clock

PACKAGE = Path(traingate.__file__).parent
ALONE = {"controller/end_orphans.py", "worktree/cleanup.py"}
"""Scripts that are run by their path, in processes of their own."""


def test_a_frozen_time_goes_on(monkeypatch):
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    monkeypatch.setattr(time, "clock_gettime", lambda _clock: 0.0)
    first = clock.monotonic()
    time.sleep(0.01)
    assert clock.monotonic() >= first + 0.01


def test_no_module_asks_another_clock_for_its_limits():
    users = {
        str(module.relative_to(PACKAGE))
        for module in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text()))
        if getattr(node, "attr", "") == "monotonic"
    }
    assert users <= ALONE
