import ast
from pathlib import Path

import traingate

PACKAGE = Path(traingate.__file__).parent
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


def test_the_root_of_the_package_stays_small():
    assert len(list(PACKAGE.glob("*.py"))) <= MAX_ROOT_MODULES
