"""Test relocation in separate processes, because a module stays imported until its process ends."""

from importlib.machinery import EXTENSION_SUFFIXES

import pytest
from relocated_imports import run

from traingate.errors import ConfigurationError
from traingate.worktree.relocation import Relocation


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


IGNORED = """
    relocation = Relocation(relocation.origin, relocation.tree, ["src/package/_version.py", "build/"])
    relocation.redirect_imports()
"""


def test_generated_values_that_git_ignores_are_used_by_both_sides(trees):
    version = trees / "project" / "src" / "package" / "_version.py"
    version.write_text(
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from typing import Tuple\n"
        "version: str\n__version__ = version = '1.2'\nversion_tuple = (1, 2)\n"
    )
    program = f"""{IGNORED}
    import package._version
    relocation.check_imports()
    print(package.tree, package._version.version)
    """
    assert run(trees, program) == ["worktree", "1.2"]


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("src/package/_version.py", "def version(): return '1.2'"),
        ("build/kernels.py", "import os"),
        ("src/package/_core{suffix}", ""),
    ],
)
def test_generated_code_that_the_base_lacks_is_refused_though_the_project_could_go_on(
    trees, place, text
):
    file = trees / "project" / place.format(suffix=EXTENSION_SUFFIXES[0])
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    name = {"_version.py": "package._version", "kernels.py": "kernels"}.get(
        file.name, "package._core"
    )
    program = f"""{IGNORED}
    sys.path.insert(0, {str(trees / "project" / "build")!r})
    try:
        import {name}
    except ImportError:
        print("slower")
    """
    (error,) = run(trees, program)
    assert f"the base needs {name}" in error
    assert error.endswith("by --traingate-base-setup COMMAND.")


def test_a_missing_build_is_refused_though_the_project_catches_every_exception(trees):
    name = f"_core{EXTENSION_SUFFIXES[0]}"
    (trees / "project" / "src" / "package" / name).write_text("")
    program = """
        relocation.redirect_imports()
        try:
            import package._core
        except Exception:
            import package.part
        relocation.check_imports()
        print("slower")
    """
    (error,) = run(trees, program)
    assert "the base needs package._core" in error
    assert error.endswith("by --traingate-base-setup COMMAND.")


def test_a_build_in_the_bases_tree_is_preferred_to_that_of_an_editable_installs_hook(trees):
    """The finder is like that of scikit-build-core: it knows the places of all modules."""
    installed = trees / "site-packages" / "package"
    installed.mkdir(parents=True)
    (installed / "core.py").write_text("tree = 'copy'")
    (trees / "worktree" / "src" / "package" / "core.py").write_text("tree = 'worktree'")
    program = f"""
        from importlib.util import spec_from_file_location
        class Hook:
            def find_spec(self, name, path=None, target=None):
                if name == "package.core":
                    return spec_from_file_location(name, {str(installed / "core.py")!r})
        sys.meta_path.insert(0, Hook())
        relocation.redirect_imports()
        import package.core
        relocation.check_imports()
        print(package.core.tree)
    """
    assert run(trees, program) == ["worktree"]


@pytest.mark.parametrize(
    ("place", "mark", "refused"),
    [
        ("project/build/libkernel.so", None, True),
        ("project/build/libkernel.so.1.2", None, True),
        ("project/build/libkernel.so", "project/pyvenv.cfg", True),
        ("project/data.source", None, False),
        ("project/env/lib/libtool.so", "project/env/pyvenv.cfg", False),
        ("project/env/lib/libtool.so", "project/env/conda-meta", False),
        ("project/env/lib/python3/site-packages/x.libs/libx.so", None, False),
        ("worktree/build/libkernel.so", None, False),
        ("elsewhere/libkernel.so", None, False),
    ],
)
def test_a_shared_library_of_the_working_tree_is_refused(trees, place, mark, refused):
    relocation = Relocation(str(trees / "project"), str(trees / "worktree"))
    for file in filter(None, (place, mark)):
        (trees / file).parent.mkdir(parents=True, exist_ok=True)
        (trees / file).touch()
    relocation.check_libraries([])
    if not refused:
        relocation.check_libraries([trees / place])
        return
    for path in (trees / place, trees / f"{place} (deleted)"):
        with pytest.raises(
            ConfigurationError, match=r"would run the same code.*--traingate-base-se"
        ):
            relocation.check_libraries([path])


def test_a_library_that_the_user_preloads_is_environment(trees, monkeypatch):
    library = trees / "project" / "vendor" / "liballocator.so"
    relocation = Relocation(str(trees / "project"), str(trees / "worktree"))
    monkeypatch.setenv("LD_PRELOAD", f"libm.so.6:{library}")
    relocation.check_libraries([library])


def test_links_to_the_working_tree_are_followed(trees):
    """setuptools (strict) and flit make editable installs of links."""
    packages = trees / "site-packages"
    packages.mkdir()
    (packages / "package").symlink_to(trees / "project" / "src" / "package")
    program = f"""
        sys.path.insert(0, {str(packages)!r})
        relocation.redirect_imports()
        import package.part
        relocation.check_imports()
        print(package.tree, package.part.tree)
    """
    assert run(trees, program) == ["worktree", "worktree"]
