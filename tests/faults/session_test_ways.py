"""Tests by which a run that is to compare could end green."""

from __future__ import annotations

from session_conftest_ways import CRASH
from session_sites import TESTS
from session_ways import (
    CAUGHT_EXIT,
    HIDDEN,
    HIDDEN_FAILURE,
    NO_BENCHMARK,
    NOTHING,
    REFUSED,
    by_tests,
    of_stored_runs,
)

_CALL = "def test_model(training_benchmark):\n    training_benchmark(model)\n"
_EXIT = "def test_last(): pytest.exit('no', returncode=0)"

OF_TESTS = {
    "removed": by_tests("def test_other(): pass\n", NO_BENCHMARK),
    "renamed": by_tests(TESTS.replace("test_model", "check_model"), NO_BENCHMARK),
    "skipped": by_tests(f"@pytest.mark.skip\n{_CALL}", NOTHING),
    "skipped if": by_tests(f"@pytest.mark.skipif(True, reason='no')\n{_CALL}", NOTHING),
    "skipped in the end": by_tests(
        "def test_model(training_benchmark):\n    try: training_benchmark(model)\n"
        "    finally: pytest.skip('no')",
        HIDDEN,
    ),
    "skipped module": by_tests(
        f"pytest.skip('no', allow_module_level=True)\n{TESTS}", NO_BENCHMARK
    ),
    "missing module": by_tests(f"pytest.importorskip('no_such_module')\n{TESTS}", NO_BENCHMARK),
    "expected to fail": by_tests(f"@pytest.mark.xfail\n{_CALL}", HIDDEN),
    "not run": by_tests(f"@pytest.mark.xfail(run=False)\n{_CALL}", NOTHING),
    "never called": by_tests("def test_model(training_benchmark): pass", NOTHING),
    "called by nobody": by_tests(
        "@pytest.mark.usefixtures('training_benchmark')\ndef test_model(): pass", NOTHING
    ),
    "caught": by_tests(
        "def test_model(training_benchmark):\n    try: training_benchmark(model)\n"
        "    except BaseException: pass",
        HIDDEN,
    ),
    "in a thread": by_tests(
        "def test_model(training_benchmark):\n"
        "    thread = threading.Thread(target=training_benchmark, args=[model])\n"
        "    thread.start()\n    thread.join()",
        HIDDEN,
    ),
    "in a fork": by_tests(
        "def test_model(training_benchmark):\n    pid = os.fork()\n    if pid:\n"
        "        os.waitpid(pid, 0)\n    else:\n        try: training_benchmark(model)\n"
        "        finally: os._exit(0)",
        NOTHING,
    ),
    "forked": by_tests(f"@pytest.mark.forked\n{_CALL}", "FAILED test_speed.py::test_model"),
    "run again": of_stored_runs(by_tests(f"@pytest.mark.flaky(reruns=1)\n{_CALL}", REFUSED)),
    "asked for late": by_tests(
        "def test_model(request): request.getfixturevalue('training_benchmark')(model)",
        "training_benchmark must be an argument of the test",
    ),
    "no test": by_tests(f"{_CALL}test_model.__test__ = False", NO_BENCHMARK),
    "class that is no test": by_tests(
        "class TestModel:\n    __test__ = False\n"
        "    def test_model(self, training_benchmark): training_benchmark(model)",
        NO_BENCHMARK,
    ),
    "no parameters": by_tests(
        "@pytest.mark.parametrize('number', [])\n"
        "def test_model(training_benchmark, number):\n    training_benchmark(model)",
        NOTHING,
    ),
    "asynchronous": by_tests(f"async {_CALL}", "async def functions are not natively supported"),
    "generator": by_tests(f"{_CALL}    yield", "'yield' keyword is allowed", status=2),
    "exit while importing": by_tests(f"sys.exit(0)\n{TESTS}", CAUGHT_EXIT, status=3),
    "pytest's exit while importing": by_tests(
        f"pytest.exit('no', returncode=0)\n{TESTS}", "Interrupted: 1 error", status=2
    ),
    "exit": by_tests("def test_model(training_benchmark): sys.exit(0)", "SystemExit: 0"),
    "pytest's exit": by_tests(
        "def test_model(training_benchmark): pytest.exit('no', returncode=0)", NOTHING
    ),
    "exit of an earlier test": by_tests(
        f"def test_first(): pytest.exit('no', returncode=0)\n{TESTS}", NOTHING
    ),
    "exit after measuring": by_tests(
        "def test_model(training_benchmark):\n    try: training_benchmark(model)\n"
        "    finally: pytest.exit('no', returncode=0)",
        HIDDEN,
    ),
    "exit after a crash": by_tests(f"{CRASH}\n{_EXIT}", HIDDEN_FAILURE),
    "exit after a crash in a fixture": by_tests(
        "@pytest.fixture\ndef broken(): assert False\n"
        f"def test_model(broken, training_benchmark): pass\n{_EXIT}",
        HIDDEN_FAILURE,
    ),
    "used before": by_tests(
        "def test_model(benchmark, training_benchmark):\n    benchmark(lambda: 1)\n"
        "    training_benchmark(model)",
        "benchmark was called in a test that requests training_benchmark",
    ),
    "used after": by_tests(
        "def test_model(benchmark, training_benchmark):\n"
        "    try: training_benchmark(model)\n    except BaseException: pass\n"
        "    benchmark(lambda: 1)",
        "FixtureAlreadyUsed",
    ),
    "no more tests": by_tests(
        f"def test_first(request): request.session.shouldstop = 'no more tests'\n{TESTS}",
        "Interrupted: no more tests",
        status=2,
    ),
}
"""Ways by the test's own file."""
