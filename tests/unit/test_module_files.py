"""Test imports by file in separate processes, because a module stays imported."""

import subprocess
import sys

import pytest

from traingate.errors import WorkloadError
from traingate.imports.library_paths import is_library_path, is_package_path
from traingate.workload import ObjectName, import_object, project_paths


@pytest.mark.parametrize("has_init", [True, False])
def test_a_module_of_pytests_importlib_mode_can_import_relative_to_its_package(tmp_path, has_init):
    folder = tmp_path / "suite" / "speed"
    folder.mkdir(parents=True)
    other = tmp_path / "other" / "suite"  # as some wheels install a package "tests"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("")
    if has_init:
        (tmp_path / "suite" / "__init__.py").write_text("name = 'outer'")
        (folder / "__init__.py").write_text("")
    (tmp_path / "suite" / "models.py").write_text("value = 7")
    file = folder / "test_speed.py"
    file.write_text("from ..models import value\ndef model(): return value\n")
    name = ObjectName(str(file), "suite.speed.test_speed", "model")
    program = (
        f"import sys; sys.path.insert(0, {str(other.parent)!r}); import suite\n"
        f"from traingate.workload import ObjectName, import_object\n"
        f"model = import_object({name!r}); print(model(), model.__module__)"
    )
    process = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert process.stdout.split() == ["7", "suite.speed.test_speed"], process.stderr


@pytest.mark.parametrize(
    ("folder", "module", "expected"),
    [
        (".ci", "_ci.test_speed", "7"),  # pytest replaces dots
        ("bench-1.0/.speed", "bench-1_0._speed.test_speed", "7"),
        ("suite", "elsewhere.test_speed", "ModuleNotFoundError"),
    ],
)
def test_a_module_of_pytests_importlib_mode_in_a_folder_whose_name_is_no_identifier(
    tmp_path, folder, module, expected
):
    file = tmp_path / folder / "test_speed.py"
    file.parent.mkdir(parents=True)
    (file.parent / "models.py").write_text("value = 7")
    file.write_text(
        "def model():\n"
        "    try:\n        from .models import value\n        return value\n"
        "    except ImportError as error:\n        return type(error).__name__\n"
    )
    name = ObjectName(str(file), module, "model")
    program = (
        f"from traingate.workload import ObjectName, import_object\n"
        f"for _ in range(2): model = import_object({name!r})\n"
        f"print(model(), model.__module__)"
    )
    process = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert process.stdout.split() == [expected, module], process.stderr


def test_a_module_without_known_packages_that_raises_is_not_kept(tmp_path):
    file = tmp_path / "test_speed.py"
    file.write_text("import sys\nassert 'elsewhere.test_speed' in sys.modules\n1 / 0")
    name = ObjectName(str(file), "elsewhere.test_speed", "model")
    with pytest.raises(ZeroDivisionError):
        import_object(name)
    assert "elsewhere.test_speed" not in sys.modules
    text = tmp_path / "speed.txt"
    text.write_text("")
    with pytest.raises(WorkloadError, match=r"speed\.txt is not a Python module"):
        import_object(ObjectName(str(text), "elsewhere.speed", "model"))


def test_debians_folder_of_packages_belongs_to_no_project(tmp_path):
    packages = tmp_path / "usr" / "lib" / "python3" / "dist-packages"
    packages.mkdir(parents=True)
    assert is_library_path(packages / "yaml" / "__init__.py")
    assert is_package_path(packages / "yaml")
    assert not is_library_path(tmp_path / "models.py")
    assert project_paths([str(packages), str(tmp_path)]) == [str(tmp_path)]
