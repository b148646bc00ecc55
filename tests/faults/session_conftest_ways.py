"""Conftest files by which a run that is to compare could end green."""

from __future__ import annotations

from session_ways import CHANGED_STATUS, ENDED_EARLY, HIDDEN, NO_BENCHMARK, NOTHING, by_conftest

OF_CONFTEST = {
    "exit while loading": by_conftest("sys.exit(0)", "called sys.exit() while"),
    "exit of pytest while loading": by_conftest("pytest.exit('no', returncode=0)"),
    "exit in addoption": by_conftest(
        "def pytest_addoption(): sys.exit(0)", "called sys.exit() while"
    ),
    "exit in configure": by_conftest("def pytest_configure(): sys.exit(0)"),
    "pytest's exit in configure": by_conftest(
        "def pytest_configure(): pytest.exit('no', returncode=0)", ENDED_EARLY
    ),
    "pytest's exit at the start": by_conftest(
        "def pytest_sessionstart(): pytest.exit('no', returncode=0)", ENDED_EARLY
    ),
    "pytest's exit while collecting": by_conftest(
        "def pytest_collection(): pytest.exit('no', returncode=0)"
    ),
    "exit while collecting": by_conftest("def pytest_collection(): sys.exit(0)"),
    "a loop of its own": by_conftest("def pytest_runtestloop(): return True", NOTHING),
    "a run of its own": by_conftest("def pytest_cmdline_main(): return 0", ENDED_EARLY),
    "exit instead of a run": by_conftest("def pytest_cmdline_main(): sys.exit(0)", ENDED_EARLY),
    "exit status": by_conftest(
        "def pytest_sessionfinish(session): session.exitstatus = 0", CHANGED_STATUS
    ),
    "exit status, last": by_conftest(
        """
@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session): session.exitstatus = 0
""",
        CHANGED_STATUS,
    ),
    "exit status at the end": by_conftest(
        """
@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(config):
    yield
    return 0
""",
        CHANGED_STATUS,
    ),
    "pytest's exit at the end": by_conftest(
        "def pytest_sessionfinish(): pytest.exit('no', returncode=0)",
        CHANGED_STATUS,
    ),
    "pytest's exit before our end": by_conftest(
        """
@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(): pytest.exit('no', returncode=0)
"""
    ),
    "exit at the end": by_conftest("def pytest_sessionfinish(): sys.exit(0)", CHANGED_STATUS),
    "exit in unconfigure": by_conftest("def pytest_unconfigure(): sys.exit(0)", CHANGED_STATUS),
    "exit in the summary": by_conftest(
        "def pytest_terminal_summary(): sys.exit(0)", CHANGED_STATUS
    ),
    "not collected": by_conftest("collect_ignore = ['test_speed.py']", NO_BENCHMARK),
    "not collected by a hook": by_conftest(
        "def pytest_ignore_collect(): return True", NO_BENCHMARK
    ),
    "options changed": by_conftest(
        "def pytest_configure(config): config.option.benchmark_compare = False",
        "has changed the options",
    ),
    "no items": by_conftest(
        "def pytest_collection_modifyitems(items): items.clear()", NO_BENCHMARK
    ),
    "not called": by_conftest("def pytest_pyfunc_call(): return True", NOTHING),
    "no protocol": by_conftest("def pytest_runtest_protocol(): return True", NOTHING),
    "skipped by a hook": by_conftest("def pytest_runtest_setup(): pytest.skip('no')", NOTHING),
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
"""
    ),
    "exit in a fixture": by_conftest("@pytest.fixture(autouse=True)\ndef leave(): sys.exit(0)"),
    "unregistered": by_conftest(
        """
def pytest_collection_finish(session):
    session.config.pluginmanager.unregister(name='traingate-session')
"""
    ),
}
"""Conftest files, and with them all that another plugin can do."""
