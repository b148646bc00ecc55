"""Tests by which a run that is to compare could end green."""

from __future__ import annotations

from session_sites import TESTS
from session_ways import HIDDEN, NO_BENCHMARK, NOTHING, by_tests

_CALL = "def test_model(training_benchmark):\n    training_benchmark(model)\n"

OF_TESTS = {
    "removed": by_tests("def test_other(): pass\n", NO_BENCHMARK),
    "renamed": by_tests(TESTS.replace("test_model", "check_model"), NO_BENCHMARK),
    "skipped": by_tests(f"@pytest.mark.skip\n{_CALL}", NOTHING),
    "skipped if": by_tests(f"@pytest.mark.skipif(True, reason='no')\n{_CALL}", NOTHING),
    "skipped module": by_tests(f"pytest.skip('no', allow_module_level=True)\n{TESTS}"),
    "missing module": by_tests(f"pytest.importorskip('no_such_module')\n{TESTS}"),
    "expected to fail": by_tests(f"@pytest.mark.xfail\n{_CALL}", HIDDEN),
    "not run": by_tests(f"@pytest.mark.xfail(run=False)\n{_CALL}", NOTHING),
    "never called": by_tests("def test_model(training_benchmark): pass", NOTHING),
    "called by nobody": by_tests(
        "@pytest.mark.usefixtures('training_benchmark')\ndef test_model(): pass"
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
    ),
    "in a fork": by_tests(
        "def test_model(training_benchmark):\n    pid = os.fork()\n    if pid:\n"
        "        os.waitpid(pid, 0)\n    else:\n        try: training_benchmark(model)\n"
        "        finally: os._exit(0)",
    ),
    "forked": by_tests(f"@pytest.mark.forked\n{_CALL}"),
    "no test": by_tests(f"{_CALL}test_model.__test__ = False"),
    "no parameters": by_tests(
        "@pytest.mark.parametrize('number', [])\n"
        "def test_model(training_benchmark, number):\n    training_benchmark(model)",
    ),
    "asynchronous": by_tests(f"async {_CALL}"),
    "generator": by_tests(f"{_CALL}    yield"),
    "exit while importing": by_tests(f"sys.exit(0)\n{TESTS}"),
    "pytest's exit while importing": by_tests(f"pytest.exit('no', returncode=0)\n{TESTS}"),
    "exit": by_tests("def test_model(training_benchmark): sys.exit(0)"),
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
    "used before": by_tests(
        "def test_model(benchmark, training_benchmark):\n    benchmark(lambda: 1)\n"
        "    training_benchmark(model)",
    ),
    "used after": by_tests(
        "def test_model(benchmark, training_benchmark):\n"
        "    try: training_benchmark(model)\n    except BaseException: pass\n"
        "    benchmark(lambda: 1)",
    ),
    "no more tests": by_tests(
        f"{TESTS}\n@pytest.fixture(autouse=True)\ndef stop(request): request.session.shouldstop = 'no'"
    ),
}
"""Contents of the test's own file."""
