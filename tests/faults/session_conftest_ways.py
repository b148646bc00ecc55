"""Conftest files by which a run that is to compare could end green."""

from __future__ import annotations

from dataclasses import replace

from session_sites import TESTS
from session_ways import (
    CAUGHT_EXIT,
    CHANGED_STATUS,
    CUT_SHORT,
    ENDED_EARLY,
    HIDDEN,
    HIDDEN_FAILURE,
    INI,
    LOADING,
    NO_BENCHMARK,
    NOTHING,
    STORED_RUN,
    by_conftest,
    early,
    nothing_stored,
)

_LAST = "@pytest.hookimpl(trylast=True)\n"
_FIRST = "@pytest.hookimpl(tryfirst=True)\n"

_STATUS = "def pytest_sessionfinish(session): session.exitstatus = {}"

_OPTIONS_CHANGED = """
def pytest_configure(config):
    config.option.benchmark_compare = False
    config.option.traingate_against = ''
"""

CHANGING = {
    "exit status": _STATUS.format(0),
    "exit status, first": _FIRST + _STATUS.format(0),
    "exit status, last": _LAST + _STATUS.format(0),
    "no exit status": _LAST + _STATUS.format("None"),
    "exit status 256": _LAST + _STATUS.format(256),
    "exit status of another type": _LAST + _STATUS.format("0.0"),
    "exit status at the end": """
@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(config):
    yield
    return 0
""",
    "pytest's exit at the end": "def pytest_sessionfinish(): pytest.exit('no', returncode=0)",
    "exit at the end": "def pytest_sessionfinish(): sys.exit(0)",
    "exit in unconfigure": "def pytest_unconfigure(): sys.exit(0)",
    "exit with 256 in unconfigure": "def pytest_unconfigure(): sys.exit(256)",
    "exit in the summary": "def pytest_terminal_summary(): sys.exit(0)",
}
"""Hooks that change the exit status after the run has said what it compared."""

_OWN_VERSION = """
def pytest_addoption(parser):
    parser.addoption('--own', action='version', version='1.0')
"""

CHANGING_BEFORE = """
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session):
    session.exitstatus = 0
    return (yield)
"""
"""Hook that changes it before."""

_COLLECTION_EXIT = "def pytest_collection(): pytest.exit('no', returncode=0)"

CRASH = "def test_model(training_benchmark): assert False"

UNCALLED = "def test_model(training_benchmark): pass"

EVENTS = {
    "a crash": CRASH,
    "a failed comparison": TESTS,
    "Ctrl-C": "def test_model(training_benchmark): raise KeyboardInterrupt",
    "a module that cannot be imported": "raise ValueError",
}
"""Tests in whose file something happens that ends a run with another status than 0."""

OF_CONFTEST = (
    {name: by_conftest(text, CHANGED_STATUS, CRASH) for name, text in CHANGING.items()}
    | {
        f"exit status, after {event}": by_conftest(CHANGING["exit status"], CHANGED_STATUS, tests)
        for event, tests in EVENTS.items()
        if tests != CRASH
    }
    | {
        f"exit status, outermost, after {event}": by_conftest(CHANGING_BEFORE, says, EVENTS[event])
        for event, says in {
            "a crash": HIDDEN_FAILURE,
            "a failed comparison": HIDDEN_FAILURE,
            "Ctrl-C": NOTHING,
            "a module that cannot be imported": NO_BENCHMARK,
        }.items()
    }
    | {
        "exit status, after an internal error": by_conftest(
            f"{CHANGING['exit status']}\ndef pytest_runtestloop(): raise ValueError", CHANGED_STATUS
        ),
        "pytest's exit before our end": by_conftest(
            """
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish():
    pytest.exit('no', returncode=0)
    yield
""",
            ENDED_EARLY,
        ),
        "exit while loading": early(by_conftest("sys.exit(0)", LOADING, status=4)),
        "exit of pytest while loading": early(
            by_conftest(
                "pytest.exit('no', returncode=0)", "ImportError while loading conftest", status=4
            )
        ),
        "exit in addoption": early(
            by_conftest("def pytest_addoption(): sys.exit(0)", LOADING, status=4)
        ),
        "exit of an option": early(
            replace(by_conftest(_OWN_VERSION, LOADING, status=4), addopts="--own")
        ),
        "exit of an option of the command line": replace(
            by_conftest(_OWN_VERSION, LOADING, status=4), arguments=("--own",), askers=(INI,)
        ),
        "exit in the value of an option": early(
            replace(
                by_conftest(
                    "def pytest_addoption(parser):\n"
                    "    parser.addoption('--own', type=lambda text: sys.exit(0))",
                    LOADING,
                    status=4,
                ),
                addopts="--own=1",
            )
        ),
        "exit in configure": early(
            by_conftest("def pytest_configure(): sys.exit(0)", CAUGHT_EXIT, status=3)
        ),
        "pytest's exit in configure": early(
            by_conftest("def pytest_configure(): pytest.exit('no', returncode=0)", ENDED_EARLY)
        ),
        "pytest's exit at the start": early(
            by_conftest("def pytest_sessionstart(): pytest.exit('no', returncode=0)", ENDED_EARLY)
        ),
        "pytest's exit with 256": early(
            by_conftest("def pytest_sessionstart(): pytest.exit('no', returncode=256)", ENDED_EARLY)
        ),
        "pytest's exit while collecting": by_conftest(_COLLECTION_EXIT, NO_BENCHMARK),
        "pytest's exit while collecting, nothing stored": nothing_stored(
            by_conftest(_COLLECTION_EXIT, CUT_SHORT)
        ),
        "exit while collecting": early(
            by_conftest("def pytest_collection(): sys.exit(0)", CAUGHT_EXIT, status=3)
        ),
        "a run of its own": early(by_conftest("def pytest_cmdline_main(): return 0", ENDED_EARLY)),
        "exit instead of a run": early(
            by_conftest("def pytest_cmdline_main(): sys.exit(0)", ENDED_EARLY)
        ),
        "no tests are no failure, nothing stored": replace(
            by_conftest(
                "def pytest_sessionfinish(session, exitstatus):\n"
                "    if exitstatus == 5: session.exitstatus = 0",
                f"{CHANGED_STATUS}: No saved run in",
                "",
            ),
            arguments=("--benchmark-storage=other",),
            askers=(STORED_RUN,),
        ),
        "a loop of its own": by_conftest("def pytest_runtestloop(): return True", NOTHING),
        "a loop that stops": by_conftest(
            "def pytest_runtestloop(session):\n    session.shouldstop = 'no'\n    return True",
            NOTHING,
        ),
        "a loop that stops at a failure": by_conftest(
            "def pytest_runtestloop(session):\n    session.shouldfail = 'no'\n    return True",
            NOTHING,
        ),
        "not collected": by_conftest("collect_ignore = ['test_speed.py']", NO_BENCHMARK),
        "not collected by a hook": by_conftest(
            "def pytest_ignore_collect(): return True", NO_BENCHMARK
        ),
        "made no tests": by_conftest("def pytest_pycollect_makeitem(): return []", NO_BENCHMARK),
        "marked": by_conftest(
            "def pytest_itemcollected(item): item.add_marker(pytest.mark.skip)", NOTHING
        ),
        "options changed": by_conftest(_OPTIONS_CHANGED, "has changed the options"),
        "options changed, without a benchmark": by_conftest(
            _OPTIONS_CHANGED, "has changed the options", "def test_other(): pass"
        ),
        "no items": by_conftest(
            "def pytest_collection_modifyitems(items): items.clear()", NO_BENCHMARK
        ),
        "not called": by_conftest("def pytest_pyfunc_call(): return True", NOTHING),
        "no protocol": by_conftest("def pytest_runtest_protocol(): return True", NOTHING),
        "skipped by a hook": by_conftest("def pytest_runtest_setup(): pytest.skip('no')", NOTHING),
        "failure dropped by a hook": by_conftest(
            """
@pytest.hookimpl(wrapper=True)
def pytest_runtest_call():
    try:
        yield
    except BaseException:
        pass
""",
            HIDDEN,
        ),
        "passed by a hook": by_conftest(
            """
@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    report = yield
    report.outcome = 'passed'
    return report
""",
            HIDDEN,
        ),
        "report changed": by_conftest(
            f"{_FIRST}def pytest_runtest_logreport(report): report.outcome = 'passed'", HIDDEN
        ),
        "another fixture": by_conftest(
            """
@pytest.fixture
def training_benchmark(): return lambda workload: None
""",
            NOTHING,
        ),
        "another recorder": by_conftest(
            """
@pytest.fixture
def benchmark(): return lambda function: None
""",
            "must be a BenchmarkFixture instance",
            status=3,
        ),
        "exit in a fixture": by_conftest(
            "@pytest.fixture(autouse=True)\ndef leave(): sys.exit(0)", "SystemExit: 0"
        ),
        "pytest's exit in a fixture": by_conftest(
            "@pytest.fixture(autouse=True)\ndef leave(): pytest.exit('no', returncode=0)", NOTHING
        ),
        "unregistered": by_conftest(
            """
def pytest_collection_finish(session):
    session.config.pluginmanager.unregister(name='traingate-session')
""",
            ENDED_EARLY,
            UNCALLED,
        ),
        "a part unregistered": by_conftest(
            """
def pytest_collection_finish(session):
    session.config.pluginmanager.unregister(name='traingate-run-saving')
""",
            "has unregistered traingate-run-saving",
            UNCALLED,
        ),
        "the check of the saved run unregistered": by_conftest(
            """
def pytest_collection_finish(session):
    session.config.pluginmanager.unregister(name='traingate-saved-run-check')
""",
            "has unregistered traingate-saved-run-check",
            UNCALLED,
        ),
    }
)
"""Conftest files, and with them all that another plugin can do."""
