"""Files of the modules that a version of a project imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from traingate.worktree.import_graph import ImportGraph
from traingate.worktree.name_origins import NameOrigins
from traingate.worktree.source_modules import SourceModules


def modules_of(root, **sources):
    """Return the modules of a version that has these sources, by their paths without ``.py``."""
    contents = {root / f"{name}.py": text.encode() for name, text in sources.items()}
    return SourceModules(root, contents.__contains__, contents.get)


@pytest.mark.parametrize(
    ("sources", "expected", "origin"),
    [
        ({"test_a": "from .. import x"}, None, "x"),
        ({"test_a": "from ..app import x"}, None, "x"),
        ({"test_a": "from ...... import x"}, None, "x"),
        ({"test_a": "import app as x"}, None, "app"),
        ({"test_a": "from p import x", "p/__init__": "def x(): ...", "p": "def x(): ..."},
         "p/__init__.py", "p::x"),
        ({"p/test_a": "from . import x", "p": "def x(): ..."}, None, "x"),
        ({"p/test_a": "from . import x", "p/x": "", "p": "def x(): ..."}, None, "p/x"),
        ({"p/test_a": "from . import x", "p/__init__": "def x(): ..."}, "p/__init__.py",
         "p::x"),
    ],
)  # fmt: skip
def test_a_module_is_looked_for_where_python_does(sources, expected, origin):
    root = Path("/app")
    modules = modules_of(root, **sources)
    file = root / f"{next(iter(sources))}.py"
    site = ImportGraph(modules, with_conditions=False).sites(file).get("x")
    assert site == (None if expected is None else (root / expected, "x"))
    assert str(NameOrigins(modules).of(file, "x")) == origin
