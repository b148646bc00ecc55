"""Test that installed copies of the project are not taken for the base's own code."""

import json
import os
import shutil
from importlib.machinery import EXTENSION_SUFFIXES

import pytest
from relocated_imports import run

from traingate.worktree.installed_copies import project_name


def distribution(trees, name, url, files, editable=True):
    """Install *files* below site-packages, with the records that pip writes."""
    packages = trees / "site-packages"
    info = packages / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    direct_url = {"url": url.as_uri(), "dir_info": {"editable": editable}}
    (info / "direct_url.json").write_text(json.dumps(direct_url))
    for file, text in files.items():
        (packages / file).parent.mkdir(parents=True, exist_ok=True)
        (packages / file).write_text(text)
    return packages


@pytest.mark.parametrize(
    ("file", "text", "refused"),
    [
        ("compiled/core.py", "def slow(): pass", True),  # maturin and scikit-build-core copy these
        ("compiled/core.py", "version = '1.2'", False),
        ("_compiled_editable.py", "def install(): pass", False),  # the hook itself
    ],
)
def test_what_an_editable_install_has_built_is_refused(trees, file, text, refused):
    packages = distribution(trees, "compiled", trees / "project", {file: text})
    module = file.removesuffix(".py").replace("/", ".")
    program = f"""
        sys.path.insert(0, {str(packages)!r})
        relocation.redirect_imports()
        import {module}
        relocation.check_imports()
        print("fine")
    """
    (outcome,) = run(trees, program)
    assert ("imported from an installed copy" in outcome) == refused


def test_a_compiled_module_of_an_editable_install_is_refused_with_a_way_out(trees):
    import _json as compiled  # any compiled module of the standard library, or a builtin one

    source = getattr(compiled, "__file__", None)
    if source is None:
        pytest.skip("this Python has its modules built in")
    packages = distribution(trees, "compiled", trees / "project", {})
    name = f"_json{EXTENSION_SUFFIXES[0]}"
    shutil.copy(source, packages / name)
    (packages / "compiled-1.0.dist-info" / "RECORD").write_text(f"{name},,\n")
    program = f"""
        sys.path.insert(0, {str(packages)!r})
        relocation.redirect_imports()
        sys.modules.pop("_json", None)
        import _json
        relocation.check_imports()
    """
    (error,) = run(trees, program)
    assert "_json was imported from an installed copy" in error
    assert "--traingate-base-setup" in error


def test_what_was_installed_from_the_bases_own_tree_is_its_own(trees):
    files = {"compiled/__init__.py": "def slow(): pass"}
    packages = distribution(trees, "compiled", trees / "worktree", files, editable=False)
    (trees / "worktree" / "src" / "compiled").mkdir()
    (trees / "worktree" / "src" / "compiled" / "__init__.py").write_text("")
    program = f"""
        sys.path.insert(0, {str(packages)!r})
        relocation.redirect_imports()
        import compiled
        relocation.check_imports()
        print("fine")
    """
    assert run(trees, program) == ["fine"]


@pytest.mark.parametrize("folder", ["site-packages", "dist-packages"])
@pytest.mark.parametrize(
    ("module", "refused"), [("spaced.inner.deep", True), ("spaced.other", False), ("fresh", True)]
)
def test_copies_of_namespace_packages_and_single_modules_are_refused(
    trees, folder, module, refused
):
    (trees / "worktree" / "src" / "fresh.py").write_text("")
    file = trees / folder / f"{module.replace('.', '/')}.py"
    file.parent.mkdir(parents=True)
    file.write_text("")
    program = f"""
        sys.path.insert(0, {str(trees / folder)!r})
        import {module}
        relocation.redirect_imports()
        relocation.check_imports()
        print("fine")
    """
    (outcome,) = run(trees, program)
    assert ("imported from an installed copy" in outcome) == refused


def test_a_copy_without_a_readable_list_of_files_is_found_by_its_source(trees):
    packages = distribution(trees, "package", trees / "project", {"package/part.py": ""})
    (packages / "package" / "__init__.py").write_text("")
    (packages / "package-1.0.dist-info" / "RECORD").write_bytes(b"f\xfcr.py,,\n")
    program = f"""
        sys.path.insert(0, {str(packages)!r})
        import package.part
        relocation.check_imports()
    """
    (error,) = run(trees, program)
    assert "imported from an installed copy" in error


def test_a_folder_or_fifo_with_the_name_of_a_project_file_names_no_project(tmp_path):
    (tmp_path / "setup.py").mkdir()
    os.mkfifo(tmp_path / "setup.cfg")
    (tmp_path / "pyproject.toml").write_bytes(b'\xff\n[project]\nname = "real"\n')
    names = [project_name(tmp_path / name) for name in ("setup.py", "setup.cfg", "pyproject.toml")]
    assert names == [None, None, "real"]
