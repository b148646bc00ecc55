import ast
from pathlib import Path

import pytest

import traingate

PACKAGE = Path(traingate.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 60
MAX_ROOT_MODULES = 14


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_and_functions_stay_short(module):
    text = module.read_text()
    assert text.count("\n") <= MAX_MODULE_LINES
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    long = [each.name for each in functions if each.end_lineno - each.lineno >= MAX_FUNCTION_LINES]
    assert long == []


def test_the_root_of_the_package_stays_small():
    assert len(list(PACKAGE.glob("*.py"))) <= MAX_ROOT_MODULES
