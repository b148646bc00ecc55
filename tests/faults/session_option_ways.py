"""Options and environment variables by which a run that is to compare could end green."""

from __future__ import annotations

from session_ways import ENDED_EARLY, NO_BENCHMARK, NOTHING, by_ini, by_options

OF_OPTIONS = {
    "xdist": by_options("-n2", "compares nothing under xdist"),
    "xdist, dist=no": by_options("-n2 --dist=no", "compares nothing under xdist"),
    "xdist, no workers": by_options("--dist=load", "compares nothing under xdist"),
    "xdist, tx": by_options("--dist=load --tx=2*popen", "compares nothing under xdist"),
    "forked": by_options("--forked", "compares nothing under pytest-forked"),
    "disabled": by_options("--benchmark-disable", "while --benchmark-disable is given"),
    "skipped": by_options("--benchmark-skip", NOTHING),
    "codspeed": by_options("--codspeed", "under CodSpeed"),
    "no recorder": by_options("-p no:benchmark"),
    "no plugin": by_options("-p no:traingate"),
    "no fixtures": by_options("-p no:traingate-fixtures"),
    "no session": by_options("-p no:traingate-session"),
    "collect": by_options("--collect-only", ENDED_EARLY),
    "co": by_options("--co -q", ENDED_EARLY),
    "fixtures": by_options("--fixtures", ENDED_EARLY),
    "fixtures per test": by_options("--fixtures-per-test", ENDED_EARLY),
    "markers": by_options("--markers", ENDED_EARLY),
    "help": by_options("--help", ENDED_EARLY),
    "version": by_options("-VV"),
    "cache": by_options("--cache-show"),
    "setup only": by_options("--setup-only", NOTHING),
    "setup plan": by_options("--setup-plan", NOTHING),
    "nothing by name": by_options("-k nothing", NO_BENCHMARK),
    "nothing by mark": by_options("-m nothing -W ignore", NO_BENCHMARK),
    "deselected": by_options("--deselect=test_speed.py", NO_BENCHMARK),
    "ignored": by_options("--ignore=test_speed.py", NO_BENCHMARK),
    "ignored by pattern": by_options("--ignore-glob=*speed*", NO_BENCHMARK),
    "last failed, none": by_options("--lf --lfnf=none", NO_BENCHMARK),
    "no summary": by_options("--no-summary", "REGRESSED"),
    "no terminal": by_options("-p no:terminal"),
    "quiet": by_options("-qqq --tb=no"),
    "no warnings": by_options("-p no:warnings", "REGRESSED"),
    "warnings": by_options("-W error", "REGRESSED"),
    "stepwise skip": by_options("--sw --sw-skip", "REGRESSED"),
    "failed first": by_options("--ff", "REGRESSED"),
    "reruns": by_options("--reruns=1", "REGRESSED"),
    "random order": by_options("-p randomly", "REGRESSED"),
    "no more failures": by_options("--maxfail=1", "REGRESSED"),
    "time-out": by_options("--timeout=0.3"),
    "time-out by a thread": by_options("--timeout=0.3 --timeout-method=thread"),
    "exit on collection": by_options("--continue-on-collection-errors", "REGRESSED"),
    "no marks": by_options("-p no:mark"),
    "no skipping": by_options("-p no:skipping"),
    "debugger": by_options("--pdb"),
    "tracing": by_options("--trace"),
    "no conftest": by_options("--noconftest", "REGRESSED"),
    "benchmarks only": by_options("--benchmark-only", "REGRESSED"),
    "another rule": by_options("--benchmark-compare-fail=min:99999%", "REGRESSED"),
    "doctest": by_options("--doctest-modules", "REGRESSED"),
    "no Python": by_options("-p no:python"),
    "another file": by_options("models.py", NO_BENCHMARK),
    "no file": by_options("missing.py"),
    "another run": by_options("--benchmark-compare=0002", "No saved run matches '0002'"),
    "another storage": by_options("--benchmark-storage=other"),
    "a storage elsewhere": by_options("--benchmark-storage=elasticsearch+http://localhost:1/a"),
    "another scale": by_options("--traingate-scale=quick --traingate-steps=2"),
    "python -O": by_options("", "REGRESSED", PYTHONOPTIMIZE="2"),
    "all that change how tests are run and shown": by_options(
        "--no-summary -W error --benchmark-only --doctest-modules --noconftest --maxfail=1 --reruns=1 "
        "--ff -p randomly --continue-on-collection-errors",
        "1 regressed",
    ),
}
"""Options of the command line."""

OF_ENVIRONMENT = {
    f"PYTEST_ADDOPTS={options}": by_options("", says, PYTEST_ADDOPTS=options)
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
    "addopts: collect": by_ini("--collect-only", ENDED_EARLY),
    "addopts: disabled": by_ini("--benchmark-disable", "while --benchmark-disable is given"),
    "addopts: no session": by_ini("-p no:traingate-session"),
    "no plugins": by_options("", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"),
    "xdist's worker": by_options("", "REGRESSED", PYTEST_XDIST_WORKER="gw0"),
    "codspeed's variable": by_options("", "under CodSpeed", CODSPEED_ENV="1"),
}
"""Environment variables and a configuration file, as of somebody else."""
