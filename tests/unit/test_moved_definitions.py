"""Definitions that a change moves to another module, or replaces by another one."""

from __future__ import annotations

import pytest

from base_projects import committed, pairs_of
from traingate.worktree.base_tests import changed_tests

TESTS = """
import models
from models import net, BATCH

def test_net(training_benchmark):
    training_benchmark(net, batch_size=BATCH)
    training_benchmark(models.net)
"""
NET, IMPORTED_NET = "def net(): ...\n", "from nets import net\n"
BATCH, IMPORTED_BATCH = "BATCH = 64\n", "from sizes import BATCH\n"

MOVES = {
    "to a new module": (
        {"models": NET + BATCH},
        {"models": NET + IMPORTED_BATCH, "sizes": BATCH},
    ),
    "to a new name in a module": (
        {"models": NET + BATCH, "sizes": "OTHER = 1"},
        {"models": f"{NET}from sizes import SIZE as BATCH", "sizes": "OTHER = 1\nSIZE = 64"},
    ),
    "between modules of which neither is imported": (
        {"models": "from one import *", "one": NET + BATCH},
        {"models": "from two import net, BATCH", "two": NET + BATCH},
    ),
    "to the folder of sources": (
        {"models": NET + BATCH},
        {"src/models": NET + BATCH},
    ),
    "back": (
        {"models": NET + IMPORTED_BATCH, "sizes": BATCH},
        {"models": NET + BATCH},
    ),
    "a module to a package": (
        {"models": NET + BATCH},
        {"models/__init__": NET + BATCH},
    ),
    "a module to modules of a package": (
        {"models": NET + BATCH},
        {"models/__init__": "from .nets import net\nfrom .sizes import BATCH",
         "models/nets": NET, "models/sizes": BATCH},
    ),
    "a module to modules of a package that passes all names on": (
        {"models": NET + BATCH},
        {"models/__init__": "from .nets import *\nfrom .sizes import *",
         "models/nets": NET, "models/sizes": BATCH},
    ),
}  # fmt: skip


def test_a_module_that_a_build_makes_now_is_the_same(tmp_path):
    tests = "from project import models\ndef test_n(training_benchmark): training_benchmark(models.net)\n"
    repository = committed(
        tmp_path, test_a=tests, **{"project/__init__": "", "project/models": NET}
    )
    (repository.root / "project" / "models.py").rename(repository.root / "project" / "models.pyx")
    assert changed_tests(pairs_of(repository), ()) == {}


def _changes(tmp_path, before, after):
    repository = committed(tmp_path, test_a=TESTS, **before)
    for name in before:
        (repository.root / f"{name}.py").unlink()
    for name, text in after.items():
        file = repository.root / f"{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return changed_tests(pairs_of(repository), ())


@pytest.mark.parametrize("move", MOVES)
def test_a_definition_that_is_imported_where_it_was_changes_nothing(tmp_path, move):
    assert _changes(tmp_path, *MOVES[move]) == {}


REPLACEMENTS = {
    "by one of another module": (
        {"models": NET + BATCH, "nets": NET},
        {"models": IMPORTED_NET + BATCH, "nets": NET},
        "net = nets::net instead of net = models::net",
    ),
    "of another module": (
        {"models": IMPORTED_NET + BATCH, "nets": NET},
        {"models": NET + BATCH, "nets": NET},
        "net = models::net instead of net = nets::net",
    ),
    "where a package passes it on": (
        {"models/__init__": "from .old import net, BATCH", "models/old": NET + BATCH},
        {"models/__init__": "from .new import net\nfrom .old import BATCH",
         "models/old": NET + BATCH, "models/new": NET},
        "net = models/new::net instead of net = models/old::net",
    ),
    "where a package passes all names on": (
        {"models/__init__": "from .old import *", "models/old": NET + BATCH},
        {"models/__init__": "from .old import *\nfrom .new import *",
         "models/old": NET + BATCH, "models/new": NET},
        "net = models/new::net instead of net = models/old::net",
    ),
    "of one that passes on what it names": (
        {"models/__init__": "from .old import *\nfrom .new import *",
         "models/old": NET + BATCH, "models/new": "__all__ = []\n" + NET},
        {"models/__init__": "from .old import *\nfrom .new import *",
         "models/old": NET + BATCH, "models/new": "__all__ = ['net']\n" + NET},
        "net = models/new::net instead of net = models/old::net",
    ),
    "by one under a condition": (
        {"models": NET + BATCH, "nets": f"if 1:\n    {NET}else:\n    {NET}"},
        {"models": IMPORTED_NET + BATCH, "nets": f"if 1:\n    {NET}else:\n    {NET}"},
        "net = nets::net instead of net = models::net",
    ),
    "by one that is imported under a condition": (
        {"models": f"try:\n    {IMPORTED_NET}finally: ...\n{BATCH}", "nets": NET, "others": NET},
        {"models": f"try:\n    from others import net\nfinally: ...\n{BATCH}",
         "nets": NET, "others": NET},
        "net = others::net instead of net = nets::net",
    ),
    "in a test that imports all names": (
        {"models": NET + BATCH, "others": NET},
        {"models": NET + BATCH, "others": NET,
         "test_a": TESTS.replace("\n\ndef", "\nfrom others import *\n\ndef")},
        "net = others::net instead of net = models::net",
    ),
}  # fmt: skip


@pytest.mark.parametrize("replacement", REPLACEMENTS)
def test_a_definition_that_another_one_replaces_is_found(tmp_path, replacement):
    before, after, change = REPLACEMENTS[replacement]
    changes = _changes(tmp_path, before, after)
    assert changes == {"test_a.py::test_net": f"measures with {change}"}
