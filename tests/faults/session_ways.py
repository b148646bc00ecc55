"""Ways in which a run that is to compare could end green without having compared.

Each is one change to a project whose only training benchmark has become slower: arguments, environment
variables, or files. Under none of them may the exit status be 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from session_sites import TESTS


@dataclass(frozen=True)
class Way:
    """One way.

    Attributes:
        arguments: Further arguments of pytest.
        variables: Environment variables.
        files: Contents of files of the project, by their names.
        says: Text in the output that says what is wrong.
    """

    arguments: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    says: str = ""


def _options(text: str, says: str = "", **variables: str) -> Way:
    return Way(tuple(text.split()), variables, says=says)


def _in_conftest(text: str, says: str = "") -> Way:
    return Way(files={"conftest.py": text}, says=says)


def _in_test(text: str, says: str = "") -> Way:
    return Way(files={"test_speed.py": f"import os, pytest, sys, threading\n{text}"}, says=says)


ENDED_EARLY = "was asked for, and this run ended before its tests had"
NOTHING = "none of 1 training benchmarks was compared"
NO_BENCHMARK = "no training benchmark was selected"

OTHER_TEST = "def test_other(): pass\n"

OF_OPTIONS = {
    "xdist": _options("-n2", "compares nothing under xdist"),
    "xdist, dist=no": _options("-n2 --dist=no", "compares nothing under xdist"),
    "xdist, no workers": _options("--dist=load", "compares nothing under xdist"),
    "xdist, tx": _options("--dist=load --tx=2*popen", "compares nothing under xdist"),
    "forked": _options("--forked", "compares nothing under pytest-forked"),
    "disabled": _options("--benchmark-disable", "while --benchmark-disable is given"),
    "skipped": _options("--benchmark-skip", NOTHING),
    "codspeed": _options("--codspeed", "under CodSpeed"),
    "no recorder": _options("-p no:benchmark"),
    "no plugin": _options("-p no:traingate"),
    "no fixtures": _options("-p no:traingate-fixtures"),
    "no session": _options("-p no:traingate-session"),
    "collect": _options("--collect-only", ENDED_EARLY),
    "co": _options("--co -q", ENDED_EARLY),
    "fixtures": _options("--fixtures", ENDED_EARLY),
    "fixtures per test": _options("--fixtures-per-test", ENDED_EARLY),
    "markers": _options("--markers", ENDED_EARLY),
    "help": _options("--help", ENDED_EARLY),
    "version": _options("-VV"),
    "short version": _options("--version"),
    "cache": _options("--cache-show -p cacheprovider"),
    "setup only": _options("--setup-only", NOTHING),
    "setup plan": _options("--setup-plan", NOTHING),
    "nothing by name": _options("-k nothing", NO_BENCHMARK),
    "nothing by mark": _options("-m nothing -W ignore", NO_BENCHMARK),
    "deselected": _options("--deselect=test_speed.py", NO_BENCHMARK),
    "ignored": _options("--ignore=test_speed.py", NO_BENCHMARK),
    "ignored by pattern": _options("--ignore-glob=*speed*", NO_BENCHMARK),
    "last failed, none": _options("-p cacheprovider --lf --lfnf=none", NO_BENCHMARK),
    "no summary": _options("--no-summary", "REGRESSED"),
    "no terminal": _options("-p no:terminal"),
    "quiet": _options("-qqq --tb=no"),
    "no warnings": _options("-p no:warnings", "REGRESSED"),
    "warnings": _options("-W error", "REGRESSED"),
    "stepwise skip": _options("-p cacheprovider --sw --sw-skip", "REGRESSED"),
    "failed first": _options("-p cacheprovider --ff", "REGRESSED"),
    "reruns": _options("--reruns=1", "REGRESSED"),
    "random order": _options("-p randomly", "REGRESSED"),
    "no more failures": _options("--maxfail=1", "REGRESSED"),
    "time-out": _options("--timeout=0.3"),
    "time-out by a thread": _options("--timeout=0.3 --timeout-method=thread"),
    "exit on collection": _options("--continue-on-collection-errors", "REGRESSED"),
    "no marks": _options("-p no:mark"),
    "no skipping": _options("-p no:skipping --runxfail", "REGRESSED"),
    "debugger": _options("--pdb"),
    "tracing": _options("--trace"),
    "no conftest": _options("--noconftest", "REGRESSED"),
    "benchmarks only": _options("--benchmark-only", "REGRESSED"),
    "another rule": _options("--benchmark-compare-fail=min:99999%", "REGRESSED"),
    "doctest": _options("--doctest-modules", "REGRESSED"),
    "python -O": _options("", "REGRESSED", PYTHONOPTIMIZE="2"),
}
"""Options of the command line."""

OF_ENVIRONMENT = {
    f"PYTEST_ADDOPTS={options}": _options("", says, PYTEST_ADDOPTS=options)
    for options, says in {
        "--collect-only": ENDED_EARLY,
        "--help": ENDED_EARLY,
        "--version": "",
        "-VV": "",
        "--fixtures": ENDED_EARLY,
        "--markers": ENDED_EARLY,
        "--benchmark-disable": "while --benchmark-disable is given",
        "--benchmark-skip": NOTHING,
        "--setup-plan": NOTHING,
        "-n2": "compares nothing under xdist",
        "--forked": "compares nothing under pytest-forked",
        "-knothing": NO_BENCHMARK,
        "-p no:traingate": "",
        "-p no:traingate-session": "",
    }.items()
} | {
    "no plugins": _options("", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"),
    "xdist's worker": _options("", "REGRESSED", PYTEST_XDIST_WORKER="gw0"),
    "codspeed's variable": _options("", "under CodSpeed", CODSPEED_ENV="1"),
}
"""Environment variables, as of a job that somebody else has configured."""

OF_CONFTEST = {
    "exit while loading": _in_conftest("import sys\nsys.exit(0)", "called sys.exit() while"),
    "exit of pytest while loading": _in_conftest("import pytest\npytest.exit('no', returncode=0)"),
    "exit in addoption": _in_conftest(
        "import sys\ndef pytest_addoption(): sys.exit(0)", "called sys.exit() while"
    ),
    "exit in configure": _in_conftest("import sys\ndef pytest_configure(): sys.exit(0)"),
    "pytest's exit in configure": _in_conftest(
        "import pytest\ndef pytest_configure(): pytest.exit('no', returncode=0)", ENDED_EARLY
    ),
    "pytest's exit at the start": _in_conftest(
        "import pytest\ndef pytest_sessionstart(): pytest.exit('no', returncode=0)", ENDED_EARLY
    ),
    "pytest's exit while collecting": _in_conftest(
        "import pytest\ndef pytest_collection(): pytest.exit('no', returncode=0)"
    ),
    "exit while collecting": _in_conftest("import sys\ndef pytest_collection(): sys.exit(0)"),
    "a loop of its own": _in_conftest("def pytest_runtestloop(): return True", NOTHING),
    "a run of its own": _in_conftest("def pytest_cmdline_main(): return 0", ENDED_EARLY),
    "exit instead of a run": _in_conftest(
        "import sys\ndef pytest_cmdline_main(): sys.exit(0)", ENDED_EARLY
    ),
    "exit status": _in_conftest(
        "def pytest_sessionfinish(session): session.exitstatus = 0", "the exit status was set to 0"
    ),
    "exit status, last": _in_conftest(
        """
import pytest
@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session): session.exitstatus = 0
""",
        "the exit status was set to 0",
    ),
    "exit status at the end": _in_conftest(
        """
import pytest
@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(config):
    yield
    return 0
""",
        "the exit status was set to 0",
    ),
    "pytest's exit at the end": _in_conftest(
        "import pytest\ndef pytest_sessionfinish(): pytest.exit('no', returncode=0)",
        "the exit status was set to 0",
    ),
    "pytest's exit before our end": _in_conftest(
        """
import pytest
@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(): pytest.exit('no', returncode=0)
"""
    ),
    "exit at the end": _in_conftest(
        "import sys\ndef pytest_sessionfinish(): sys.exit(0)", "the exit status was set to 0"
    ),
    "exit in unconfigure": _in_conftest(
        "import sys\ndef pytest_unconfigure(): sys.exit(0)", "the exit status was set to 0"
    ),
    "exit in the summary": _in_conftest(
        "import sys\ndef pytest_terminal_summary(): sys.exit(0)", "the exit status was set to 0"
    ),
    "not collected": _in_conftest("collect_ignore = ['test_speed.py']", NO_BENCHMARK),
    "no items": _in_conftest(
        "def pytest_collection_modifyitems(items): items.clear()", NO_BENCHMARK
    ),
    "not called": _in_conftest("def pytest_pyfunc_call(): return True", NOTHING),
    "no protocol": _in_conftest("def pytest_runtest_protocol(): return True", NOTHING),
    "skipped by a hook": _in_conftest(
        "import pytest\ndef pytest_runtest_setup(): pytest.skip('no')", NOTHING
    ),
    "passed by a hook": _in_conftest(
        """
import pytest
@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    report = yield
    report.outcome = 'passed'
    return report
""",
        "was not reported as failed, but its comparison failed",
    ),
    "another fixture": _in_conftest(
        """
import pytest
@pytest.fixture
def training_benchmark(): return lambda workload: None
""",
        NOTHING,
    ),
    "another recorder": _in_conftest(
        """
import pytest
@pytest.fixture
def benchmark(): return lambda function: None
"""
    ),
    "exit in a fixture": _in_conftest(
        "import pytest, sys\n@pytest.fixture(autouse=True)\ndef leave(): sys.exit(0)"
    ),
    "unregistered": _in_conftest(
        """
def pytest_collection_finish(session):
    session.config.pluginmanager.unregister(name='traingate-session')
"""
    ),
}
"""Conftest files, and with them all that another plugin can do."""

_CALL = "def test_model(training_benchmark):\n    training_benchmark(model)\n"
_IMPORT = "from models import model\n"

OF_TESTS = {
    "removed": _in_test(OTHER_TEST, NO_BENCHMARK),
    "renamed": _in_test(TESTS.replace("test_model", "check_model"), NO_BENCHMARK),
    "skipped": _options("--benchmark-skip", NOTHING),
    "codspeed": _options("--codspeed", "under CodSpeed"),
    "no recorder": _options("-p no:benchmark"),
    "no plugin": _options("-p no:traingate"),
    "no fixtures": _options("-p no:traingate-fixtures"),
    "no session": _options("-p no:traingate-session"),
    "collect": _options("--collect-only", ENDED_EARLY),
    "co": _options("--co -q", ENDED_EARLY),
    "fixtures": _options("--fixtures", ENDED_EARLY),
    "fixtures per test": _options("--fixtures-per-test", ENDED_EARLY),
    "markers": _options("--markers", ENDED_EARLY),
    "help": _options("--help", ENDED_EARLY),
    "version": _options("-VV"),
    "short version": _options("--version"),
    "cache": _options("--cache-show -p cacheprovider"),
    "setup only": _options("--setup-only", NOTHING),
    "setup plan": _options("--setup-plan", NOTHING),
    "nothing by name": _options("-k nothing", NO_BENCHMARK),
    "nothing by mark": _options("-m nothing -W ignore", NO_BENCHMARK),
    "deselected": _options("--deselect=test_speed.py", NO_BENCHMARK),
    "ignored": _options("--ignore=test_speed.py", NO_BENCHMARK),
    "ignored by pattern": _options("--ignore-glob=*speed*", NO_BENCHMARK),
    "last failed, none": _options("-p cacheprovider --lf --lfnf=none", NO_BENCHMARK),
    "no summary": _options("--no-summary", "REGRESSED"),
    "no terminal": _options("-p no:terminal"),
    "quiet": _options("-qqq --tb=no"),
    "no warnings": _options("-p no:warnings", "REGRESSED"),
    "warnings": _options("-W error", "REGRESSED"),
    "stepwise skip": _options("-p cacheprovider --sw --sw-skip", "REGRESSED"),
    "failed first": _options("-p cacheprovider --ff", "REGRESSED"),
    "reruns": _options("--reruns=1", "REGRESSED"),
    "random order": _options("-p randomly", "REGRESSED"),
    "no more failures": _options("--maxfail=1", "REGRESSED"),
    "time-out": _options("--timeout=0.3"),
    "time-out by a thread": _options("--timeout=0.3 --timeout-method=thread"),
    "exit on collection": _options("--continue-on-collection-errors", "REGRESSED"),
    "no marks": _options("-p no:mark"),
    "no skipping": _options("-p no:skipping --runxfail", "REGRESSED"),
    "debugger": _options("--pdb"),
    "tracing": _options("--trace"),
    "no conftest": _options("--noconftest", "REGRESSED"),
    "benchmarks only": _options("--benchmark-only", "REGRESSED"),
    "another rule": _options("--benchmark-compare-fail=min:99999%", "REGRESSED"),
    "doctest": _options("--doctest-modules", "REGRESSED"),
    "python -O": _options("", "REGRESSED", PYTHONOPTIMIZE="2"),
}
"""Options of the command line."""

OF_ENVIRONMENT = {
    f"PYTEST_ADDOPTS={options}": _options("", says, PYTEST_ADDOPTS=options)
    for options, says in {
        "--collect-only": ENDED_EARLY,
        "--help": ENDED_EARLY,
        "--version": "",
        "-VV": "",
        "--fixtures": ENDED_EARLY,
        "--markers": ENDED_EARLY,
        "--benchmark-disable": "while --benchmark-disable is given",
        "--benchmark-skip": NOTHING,
        "--setup-plan": NOTHING,
        "-n2": "compares nothing under xdist",
        "--forked": "compares nothing under pytest-forked",
        "-knothing": NO_BENCHMARK,
        "-p no:traingate": "",
        "-p no:traingate-session": "",
    }.items()
} | {
    "no plugins": _options("", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"),
    "xdist's worker": _options("", "REGRESSED", PYTEST_XDIST_WORKER="gw0"),
    "codspeed's variable": _options("", "under CodSpeed", CODSPEED_ENV="1"),
}
"""Environment variables, as of a job that somebody else has configured."""

OF_CONFTEST = {
    "exit while loading": _in_conftest("import sys\nsys.exit(0)", "called sys.exit() while"),
    "exit of pytest while loading": _in_conftest("import pytest\npytest.exit('no', returncode=0)"),
    "exit in addoption": _in_conftest(
        "import sys\ndef pytest_addoption(): sys.exit(0)", "called sys.exit() while"
    ),
    "exit in configure": _in_conftest("import sys\ndef pytest_configure(): sys.exit(0)"),
    "pytest's exit in configure": _in_conftest(
        "import pytest\ndef pytest_configure(): pytest.exit('no', returncode=0)", ENDED_EARLY
    ),
    "pytest's exit at the start": _in_conftest(
        "import pytest\ndef pytest_sessionstart(): pytest.exit('no', returncode=0)", ENDED_EARLY
    ),
    "pytest's exit while collecting": _in_conftest(
        "import pytest\ndef pytest_collection(): pytest.exit('no', returncode=0)"
    ),
    "exit while collecting": _in_conftest("import sys\ndef pytest_collection(): sys.exit(0)"),
    "a loop of its own": _in_conftest("def pytest_runtestloop(): return True", NOTHING),
    "a run of its own": _in_conftest("def pytest_cmdline_main(): return 0", ENDED_EARLY),
    "exit instead of a run": _in_conftest(
        "import sys\ndef pytest_cmdline_main(): sys.exit(0)", ENDED_EARLY
    ),
    "exit status": _in_conftest(
        "def pytest_sessionfinish(session): session.exitstatus = 0", "the exit status was set to 0"
    ),
    "exit status, last": _in_conftest(
        """
import pytest
@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session): session.exitstatus = 0
""",
        "the exit status was set to 0",
    ),
    "exit status at the end": _in_conftest(
        """
import pytest
@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(config):
    yield
    return 0
""",
        "the exit status was set to 0",
    ),
    "pytest's exit at the end": _in_conftest(
        "import pytest\ndef pytest_sessionfinish(): pytest.exit('no', returncode=0)",
        "the exit status was set to 0",
    ),
    "pytest's exit before our end": _in_conftest(
        """
import pytest
@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(): pytest.exit('no', returncode=0)
"""
    ),
    "exit at the end": _in_conftest(
        "import sys\ndef pytest_sessionfinish(): sys.exit(0)", "the exit status was set to 0"
    ),
    "exit in unconfigure": _in_conftest(
        "import sys\ndef pytest_unconfigure(): sys.exit(0)", "the exit status was set to 0"
    ),
    "exit in the summary": _in_conftest(
        "import sys\ndef pytest_terminal_summary(): sys.exit(0)", "the exit status was set to 0"
    ),
    "not collected": _in_conftest("collect_ignore = ['test_speed.py']", NO_BENCHMARK),
    "no items": _in_conftest(
        "def pytest_collection_modifyitems(items): items.clear()", NO_BENCHMARK
    ),
    "not called": _in_conftest("def pytest_pyfunc_call(): return True", NOTHING),
    "no protocol": _in_conftest("def pytest_runtest_protocol(): return True", NOTHING),
    "skipped by a hook": _in_conftest(
        "import pytest\ndef pytest_runtest_setup(): pytest.skip('no')", NOTHING
    ),
    "passed by a hook": _in_conftest(
        """
import pytest
@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    report = yield
    report.outcome = 'passed'
    return report
""",
        "was not reported as failed, but its comparison failed",
    ),
    "another fixture": _in_conftest(
        """
import pytest
@pytest.fixture
def training_benchmark(): return lambda workload: None
""",
        NOTHING,
    ),
    "another recorder": _in_conftest(
        """
import pytest
@pytest.fixture
def benchmark(): return lambda function: None
"""
    ),
    "exit in a fixture": _in_conftest(
        "import pytest, sys\n@pytest.fixture(autouse=True)\ndef leave(): sys.exit(0)"
    ),
    "unregistered": _in_conftest(
        """
def pytest_collection_finish(session):
    session.config.pluginmanager.unregister(name='traingate-session')
"""
    ),
}
"""Conftest files, and with them all that another plugin can do."""

_CALL = "def test_model(training_benchmark):\n    training_benchmark(model)\n"
_IMPORT = "from models import model\n"

OF_TESTS = {
    "removed": _in_test(OTHER_TEST, NO_BENCHMARK),
    "renamed": _in_test(TESTS.replace("test_model", "check_model"), NO_BENCHMARK),
    "skipped": _in_test(f"{_IMPORT}@pytest.mark.skip\n{_CALL}", NOTHING),
    "skipped if": _in_test(f"{_IMPORT}@pytest.mark.skipif(True, reason='no')\n{_CALL}", NOTHING),
    "skipped module": _in_test(f"pytest.skip('no', allow_module_level=True)\n{TESTS}"),
    "missing module": _in_test(f"pytest.importorskip('no_such_module')\n{TESTS}"),
    "expected to fail": _in_test(
        f"{_IMPORT}@pytest.mark.xfail\n{_CALL}", "was not reported as failed"
    ),
    "not run": _in_test(f"{_IMPORT}@pytest.mark.xfail(run=False)\n{_CALL}", NOTHING),
    "never called": _in_test("def test_model(training_benchmark): pass", NOTHING),
    "called by nobody": _in_test(
        "@pytest.mark.usefixtures('training_benchmark')\ndef test_model(): pass"
    ),
    "caught": _in_test(
        f"{_IMPORT}def test_model(training_benchmark):\n    try: training_benchmark(model)\n"
        "    except BaseException: pass",
        "was not reported as failed",
    ),
    "in a thread": _in_test(
        f"{_IMPORT}def test_model(training_benchmark):\n"
        "    thread = threading.Thread(target=training_benchmark, args=[model])\n"
        "    thread.start()\n    thread.join()",
    ),
    "in a fork": _in_test(
        f"{_IMPORT}def test_model(training_benchmark):\n    pid = os.fork()\n    if pid:\n"
        "        os.waitpid(pid, 0)\n    else:\n        try: training_benchmark(model)\n"
        "        finally: os._exit(0)",
    ),
    "forked": _in_test(f"{_IMPORT}@pytest.mark.forked\n{_CALL}", NOTHING),
    "no test": _in_test(f"{_IMPORT}{_CALL}test_model.__test__ = False"),
    "no parameters": _in_test(
        f"{_IMPORT}@pytest.mark.parametrize('number', [])\n"
        "def test_model(training_benchmark, number):\n    training_benchmark(model)",
    ),
    "asynchronous": _in_test(f"{_IMPORT}async {_CALL}"),
    "generator": _in_test(f"{_IMPORT}{_CALL}    yield"),
    "exit while importing": _in_test(f"sys.exit(0)\n{TESTS}"),
    "pytest's exit while importing": _in_test(f"pytest.exit('no', returncode=0)\n{TESTS}"),
    "exit": _in_test("def test_model(training_benchmark): sys.exit(0)"),
    "pytest's exit": _in_test(
        "def test_model(training_benchmark): pytest.exit('no', returncode=0)", NOTHING
    ),
    "exit of an earlier test": _in_test(
        f"def test_first(): pytest.exit('no', returncode=0)\n{TESTS}", NOTHING
    ),
    "exit after measuring": _in_test(
        f"{_IMPORT}def test_model(training_benchmark):\n    try: training_benchmark(model)\n"
        "    finally: pytest.exit('no', returncode=0)",
        "was not reported as failed",
    ),
    "used before": _in_test(
        f"{_IMPORT}def test_model(benchmark, training_benchmark):\n    benchmark(lambda: 1)\n"
        "    training_benchmark(model)",
    ),
    "used after": _in_test(
        f"{_IMPORT}def test_model(benchmark, training_benchmark):\n"
        "    try: training_benchmark(model)\n    except BaseException: pass\n"
        "    benchmark(lambda: 1)",
    ),
    "no more tests": _in_test(
        f"{TESTS}\n@pytest.fixture(autouse=True)\ndef stop(request): request.session.shouldstop = 'no'"
    ),
}
"""Contents of the test's own file."""
