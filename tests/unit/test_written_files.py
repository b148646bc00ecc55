"""Files of users are written by one module, completely or not at all, and nothing is decompressed."""

import ast
from pathlib import Path

import pytest

import traingate

PACKAGE = Path(traingate.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

WRITERS = {
    "untrusted/files.py",  # writes atomically, or appends, for all others
    "controller/child_logs.py",  # the log of a worker, in a folder of the session
    "worker/main.py",  # the same
    "protocol/channel.py",  # the key of a connection, in a private folder
    "environments/created.py",  # in a folder that gets its name at the end
    "worker/profiling/profile.py",  # in the private folder of a launch
    "worker/spawned_imports.py",  # the same
}
"""Modules that open files to write to."""

WRITING_METHODS = {"write_text", "write_bytes"}
OPENING = {"open", "fdopen"}
FLAGS = {"O_WRONLY", "O_RDWR", "O_CREAT"}
DECOMPRESSING = {"bz2", "gzip", "lzma", "tarfile", "zipfile", "zlib"}
EXECUTING = {"marshal", "pickle", "shelve"}


def nodes(module, names):
    """Return the nodes of a module's syntax tree; none if its text has none of these names."""
    text = module.read_text()
    return ast.walk(ast.parse(text)) if any(name in text for name in names) else ()


def writes(module):
    """Return whether a module calls something that opens a file to write to it."""
    for node in nodes(module, WRITING_METHODS | OPENING | FLAGS):
        if isinstance(node, ast.Attribute) and node.attr in FLAGS:
            return True
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        values = [*node.args, *(keyword.value for keyword in node.keywords)]
        texts = [value.value for value in values if isinstance(value, ast.Constant)]
        modes = [text for text in texts if isinstance(text, str) and 0 < len(text) < 4]
        has_mode = any({*mode} <= set("rwaxbt+") and {*mode} & set("wax+") for mode in modes)
        if name in WRITING_METHODS or (name in OPENING and has_mode):
            return True
    return False


def imports(module, names):
    """Return whether a module imports one of the modules with these names, or a part of one."""
    imported = set()
    for node in nodes(module, names):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.partition(".")[0])
    return not imported.isdisjoint(names)


def test_only_named_modules_write_files():
    writers = {module.relative_to(PACKAGE).as_posix() for module in MODULES if writes(module)}
    assert writers == WRITERS


@pytest.mark.parametrize(
    ("names", "modules"), [(DECOMPRESSING, {"worker/profiling/profile.py"}), (EXECUTING, set())]
)
def test_nothing_that_others_wrote_is_decompressed_or_executed(names, modules):
    """The only module that may compresses the traces that the worker itself has made."""
    importing = {
        module.relative_to(PACKAGE).as_posix() for module in MODULES if imports(module, names)
    }
    assert importing == modules
