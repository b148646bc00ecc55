"""Options and environment variables by which a run that is to compare could end green."""

from __future__ import annotations

from dataclasses import replace

from session_sites import TEST_FILE
from session_ways import (
    ADDOPTS,
    COMMIT,
    ENDED_EARLY,
    FILE,
    FILE_OF_FILE,
    KEY,
    NO_BENCHMARK,
    NOTHING,
    OPTION_OF_TRAINGATE,
    REFUSED,
    STORED_RUN,
    Way,
    by_options,
    early,
    nothing_stored,
    of_stored_runs,
)

XDIST, FORKED = "compares nothing under xdist", "compares nothing under pytest-forked"
DISABLED, CODSPEED = "while --benchmark-disable is given", "under CodSpeed"
PART = "turns off a part of traingate"

_LISTING = {
    "collect": "--collect-only",
    "co": "--co -q",
    "fixtures": "--fixtures",
    "fixtures per test": "--fixtures-per-test",
    "markers": "--markers",
    "help": "--help",
}
"""Options with which pytest runs no test."""

_SLEEPING = {
    TEST_FILE: "import time\n\ndef test_model(training_benchmark): time.sleep(60)\n",
}

OF_OPTIONS = {
    "xdist": by_options("-n2", XDIST, 4),
    "xdist, one": by_options("-n1", XDIST, 4),
    "xdist, as many": by_options("-n auto", XDIST, 4),
    "xdist, -d": by_options("-d --tx=2*popen", XDIST, 4),
    "xdist, dist=no": by_options("-n2 --dist=no", XDIST, 4),
    "xdist, no workers": by_options("--dist=load", XDIST, 4),
    "xdist, tx": by_options("--dist=load --tx=2*popen", XDIST, 4),
    "forked": by_options("--forked", FORKED, 4),
    "disabled": by_options("--benchmark-disable", DISABLED, 4),
    "skipped": by_options("--benchmark-skip", NOTHING),
    "codspeed": by_options("-p codspeed --codspeed", CODSPEED, 4),
    "no recorder": of_stored_runs(
        by_options("-p no:benchmark", "unrecognized arguments: --benchmark-compare", 4)
    ),
    "no plugin": by_options("-p no:traingate", OPTION_OF_TRAINGATE, 4),
    "no plugins": by_options("--disable-plugin-autoload", "unrecognized arguments: --", 4),
    "no fixtures": by_options("-p no:traingate-fixtures", "'training_benchmark' not found"),
    "no session": by_options("-p no:traingate-session", PART, 4),
    "no selection": by_options("-p no:traingate-selection", PART, 4),
    "no lock of what is saved": by_options("-p no:traingate-run-saving", PART, 4),
    "no check of what is saved": by_options("-p no:traingate-saved-run-check", PART, 4),
    **{
        name: early(by_options(option, ENDED_EARLY), STORED_RUN, COMMIT)
        for name, option in _LISTING.items()
    },
    "cache": replace(by_options("--cache-show", ENDED_EARLY), askers=(STORED_RUN, COMMIT)),
    "cache, nothing stored": nothing_stored(by_options("--cache-show", ENDED_EARLY)),
    "version": replace(by_options("-VV", ENDED_EARLY), askers=(STORED_RUN, COMMIT)),
    "setup only": by_options("--setup-only", NOTHING),
    "setup plan": by_options("--setup-plan", NOTHING),
    "nothing by name": by_options("-k nothing", NO_BENCHMARK),
    "nothing by mark": by_options("-m nothing -W ignore", NO_BENCHMARK),
    "deselected": by_options("--deselect=test_speed.py", NO_BENCHMARK),
    "ignored": by_options("--ignore=test_speed.py", NO_BENCHMARK),
    "ignored by pattern": by_options("--ignore-glob=*speed*", NO_BENCHMARK),
    "last failed, none": by_options("--lf --lfnf=none", NO_BENCHMARK),
    "other names of tests": by_options("-o python_functions=check", NO_BENCHMARK),
    "other names of files": by_options("-o python_files=check_*.py", NO_BENCHMARK),
    "time-out": replace(by_options("--timeout=1", "Failed: Timeout"), files=_SLEEPING),
    "time-out by a thread": replace(
        by_options("--timeout=1 --timeout-method=thread", "+ Timeout +"), files=_SLEEPING
    ),
    "debugger": of_stored_runs(by_options("--pdb", "Quitting debugger", 2)),
    "tracing": of_stored_runs(by_options("--trace", NOTHING)),
    "no marks": by_options("-p no:mark", "plugin mark cannot be disabled", 4),
    "no Python": of_stored_runs(by_options("-p no:python", NO_BENCHMARK)),
    "another file": by_options("models.py", NO_BENCHMARK),
    "no file": by_options("missing.py", "file or directory not found: missing.py", 4),
    "another run": of_stored_runs(
        by_options("--benchmark-compare=0002", "No saved run matches '0002'", 4)
    ),
    "another storage": of_stored_runs(
        by_options("--benchmark-storage=other", "No saved run in", 4)
    ),
    "a storage elsewhere": of_stored_runs(
        by_options("--benchmark-storage=elasticsearch+http://localhost:1/a", "elasticsearch", 3)
    ),
    "another scale": of_stored_runs(
        by_options("--traingate-scale=quick --traingate-steps=2", REFUSED)
    ),
    "new tests recorded, nothing stored": of_stored_runs(
        by_options("--benchmark-storage=other --traingate-on-missing=record", NOTHING)
    ),
    "an ordinary test, nothing stored": of_stored_runs(
        Way(
            NO_BENCHMARK,
            ("--benchmark-storage=other", "--traingate-on-missing=record", "test_other.py"),
            files={"test_other.py": "def test_other(): pass\n"},
        )
    ),
    "an ordinary test, a misspelt storage": of_stored_runs(
        Way(
            "No saved run in",
            ("--benchmark-storage=other", "test_other.py"),
            files={"test_other.py": "def test_other(): pass\n"},
        )
    ),
    "an empty run": of_stored_runs(
        Way(
            REFUSED,
            files={
                "stored/0001_base.json": '{"benchmarks": [], "machine_info": {}, "datetime": "2026-11-22T10:00:00"}'
            },
        )
    ),
    **{
        f"collect, with {asker}": replace(
            by_options("--collect-only", ENDED_EARLY), askers=(asker,)
        )
        for asker in (FILE, FILE_OF_FILE, KEY, ADDOPTS)
    },
    **{
        f"collect, in {name}": Way(
            ENDED_EARLY, ("@list.txt",), files=files, askers=(STORED_RUN, COMMIT)
        )
        for name, files in {
            "a file": {"list.txt": "--collect-only\n"},
            "a file of a file": {"list.txt": "@inner.txt\n", "inner.txt": "--co\n"},
        }.items()
    },
    "nothing by name, with a file": replace(by_options("-k nothing", NO_BENCHMARK), askers=(FILE,)),
}
"""Options of the command line."""

OF_ENVIRONMENT = {
    f"PYTEST_ADDOPTS={options}": by_options("", says, status, PYTEST_ADDOPTS=options)
    for options, says, status in (
        ("--collect-only", ENDED_EARLY, 1),
        ("--help", ENDED_EARLY, 1),
        ("--cache-show", ENDED_EARLY, 1),
        ("-VV", ENDED_EARLY, 1),
        ("--fixtures", ENDED_EARLY, 1),
        ("--markers", ENDED_EARLY, 1),
        ("--benchmark-disable", DISABLED, 4),
        ("--benchmark-skip", NOTHING, 1),
        ("--setup-plan", NOTHING, 1),
        ("-n2", XDIST, 4),
        ("--forked", FORKED, 4),
        ("-knothing", NO_BENCHMARK, 1),
        ("-p no:traingate", OPTION_OF_TRAINGATE, 4),
        ("-p no:traingate-session", PART, 4),
    )
} | {
    "addopts: collect": Way(ENDED_EARLY, addopts="--collect-only"),
    "addopts: disabled": Way(DISABLED, addopts="--benchmark-disable", status=4),
    "addopts: no session": Way(PART, addopts="-p no:traingate-session", status=4),
    "no plugins": by_options(
        "", "unrecognized arguments: --", 4, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"
    ),
    "codspeed's variable": by_options("-p codspeed", CODSPEED, 4, CODSPEED_ENV="1"),
}
"""Environment variables and a configuration file, as of somebody else."""

WITHOUT_EFFECT = (
    "--no-summary",
    "-p no:terminal",
    "-qqq --tb=no",
    "-p no:warnings",
    "-W error -W ignore::pytest.PytestConfigWarning",  # pytest's own, of PYTHONOPTIMIZE
    "--sw --sw-skip",
    "--ff",
    "--reruns=1",
    "-p randomly",
    "--maxfail=1",
    "--continue-on-collection-errors",
    "-p no:skipping",
    "--noconftest",
    "--benchmark-only",
    "--benchmark-compare-fail=min:99999%",
    "--doctest-modules",
)
"""Options with which the benchmark is measured and regresses all the same."""

TOGETHER = (
    "--no-summary -W error -W ignore::pytest.PytestConfigWarning --doctest-modules "
    "--noconftest --maxfail=1 --reruns=1 --ff -p randomly --continue-on-collection-errors"
)
"""Most of them, in one run."""
