import ast
from collections import Counter
from pathlib import Path

import traingate

PACKAGE = Path(traingate.__file__).parent
TESTS = Path(__file__).parents[1]
MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 60
MAX_ROOT_MODULES = 14


def test_modules_and_functions_stay_short():
    long = []
    for module in MODULES:
        text = module.read_text()
        name = str(module.relative_to(PACKAGE))
        if text.count("\n") > MAX_MODULE_LINES:
            long.append(name)
        long += [
            f"{name}: {node.name}"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef)
            and node.end_lineno - node.lineno >= MAX_FUNCTION_LINES
        ]
    assert long == []


def test_no_two_files_of_tests_have_the_same_name():
    """pytest imports them by their names, and refuses the second one."""
    names = Counter(file.name for file in TESTS.rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []


def test_the_root_of_the_package_stays_small():
    assert len(list(PACKAGE.glob("*.py"))) <= MAX_ROOT_MODULES
