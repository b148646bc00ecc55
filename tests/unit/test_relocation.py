"""Test relocation in separate processes, because a module stays imported until its process ends."""

import subprocess
import sys
import textwrap

import pytest

from traingate.worktree.relocation import Relocation


@pytest.fixture
def trees(tmp_path):
    """Return the folder of two trees of a project; the modules of each hold its name in ``tree``."""
    for name in ("project", "worktree"):
        package = tmp_path / name / "src" / "package"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f"tree = {name!r}")
        (package / "part.py").write_text(f"tree = {name!r}")
        (tmp_path / name / "src" / "spaced" / "inner").mkdir(parents=True)
        (tmp_path / name / "src" / "spaced" / "inner" / "deep.py").write_text(f"tree = {name!r}")
    (tmp_path / "project" / "src" / "fresh.py").write_text("")
    return tmp_path


def run(trees, program):
    prelude = f"""
        import sys
        from traingate.worktree.relocation import Relocation
        relocation = Relocation({str(trees / "project")!r}, {str(trees / "worktree")!r})
        sys.path.insert(0, {str(trees / "project" / "src")!r})  # as an editable install does
    """
    text = textwrap.dedent(prelude) + textwrap.dedent(program)
    process = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=False
    )
    return process.stdout.split() or [process.stderr.splitlines()[-1]]


def test_imports_come_from_the_other_tree(trees):
    program = """
        relocation.redirect_imports()
        import package.part
        import spaced.inner.deep
        relocation.check_imports()
        print(package.tree, package.part.tree, spaced.inner.deep.tree)
    """
    assert run(trees, program) == ["worktree", "worktree", "worktree"]


def test_a_module_that_the_other_tree_lacks_cannot_be_imported(trees):
    (error,) = run(trees, "relocation.redirect_imports()\nimport fresh\n")
    assert error.startswith("ModuleNotFoundError")
    assert error.endswith("is not in that commit")


def test_a_module_of_this_tree_is_refused(trees):
    program = "import package\nrelocation.redirect_imports()\nrelocation.check_imports()"
    (error,) = run(trees, program)
    assert "package was imported from" in error


def test_an_installed_copy_is_refused(trees):
    installed = trees / "site-packages" / "package"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("tree = 'copy'")
    program = f"""
        sys.path.insert(0, {str(installed.parent)!r})
        relocation.redirect_imports()
        import package
        relocation.check_imports()
    """
    (error,) = run(trees, program)
    assert "both sides of the duet would run the same code" in error


@pytest.mark.parametrize(("project", "refused"), [("name-space", True), ("other", False)])
def test_a_wheel_of_a_project_in_the_tree_is_refused(trees, project, refused):
    installed = trees / "site-packages"
    (installed / "space" / "core").mkdir(parents=True)
    (installed / "space" / "core" / "__init__.py").write_text("")
    dist_info = installed / "name_space-1.0.dist-info"
    dist_info.mkdir()
    (dist_info / "METADATA").write_text("Metadata-Version: 2.1\nName: Name.Space\nVersion: 1.0\n")
    (dist_info / "RECORD").write_text("space/core/__init__.py,,\n")
    sources = trees / "worktree" / "packages" / "space"
    sources.mkdir(parents=True)
    text = f'[[tool.uv.index]]\nname = "Name_Space"\n[project]\nname = "{project}"\n'
    (sources / "pyproject.toml").write_text(text)
    program = f"""
        sys.path.insert(0, {str(installed)!r})
        relocation.redirect_imports()
        import space.core
        relocation.check_imports()
        print("fine")
    """
    (error,) = run(trees, program)
    assert ("both sides of the duet would run the same code" in error) == refused


def test_paths_of_libraries_and_outside_of_the_project_stay_as_they_are():
    relocation = Relocation("/project", "/tree")
    assert relocation.relocate("/project/models.py") == "/tree/models.py"
    assert relocation.relocate("/project") == "/tree"
    assert relocation.relocate("/elsewhere/models.py") == "/elsewhere/models.py"
    inside = "/project/.venv/lib/python3.11/site-packages/torch/__init__.py"
    assert relocation.relocate(inside) == inside
